import { stringAt } from '@sonde/model/record/string-column';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import type { StringColumn } from '@sonde/model/record/columns';
import type { ObservedColumns } from '@sonde/model/flow/records';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { HOST_NETWORK_POD, NODE, POD, SERVICE } from '../identity/endpoint-cache.js';
import type { EnrichmentContext } from './context.js';
import type { FlowEndpoints } from '../identity/block-endpoints.js';

const BY_CLIENT = enumerationNumber('reporter', 'src');
const BY_SERVER = enumerationNumber('reporter', 'dst');

/** Where one end of a connection is. */
interface Place {
  /** `host`: the node itself or a pod on its network; `outside`: no node's, as far as is known. */
  readonly at: 'pod' | 'host' | 'outside';
  readonly node: string;
  /** Whether the node's own flows are collected too. */
  readonly isMonitored: boolean;
}

const OUTSIDE: Place = { at: 'outside', node: '', isMonitored: false };

/**
 * Which records totals count: of all that report the same packets exactly one, and each record can be told by itself.
 * It is that of the first of these nodes that is monitored: the client pod's, which sees all that the pod sends and
 * gets; the server pod's; the node that the client itself is or shares the network of, seen at its uplink; else the
 * one that reports.
 */
export function primaryFlows(
  reporter: ObservedColumns['reporter'],
  nodes: StringColumn,
  ends: { readonly src: FlowEndpoints; readonly dst: FlowEndpoints },
  context: EnrichmentContext,
  memory: ColumnMemory,
): Uint8Array {
  const clientAt = places(ends.src, context);
  const serverAt = places(ends.dst, context);

  const counts = (row: number): boolean => {
    // The probe knows that the client is behind an interface of its own, whatever its address is said to be.
    if (reporter[row] === BY_CLIENT) return true;
    const here = stringAt(nodes, row);
    const client = clientAt(row);
    if (client.at === 'pod' && (client.node === here || client.isMonitored)) return client.node === here;
    if (reporter[row] === BY_SERVER) return true;
    const server = serverAt(row);
    if (server.at === 'pod' && (server.node === here || server.isMonitored)) return server.node === here;
    return client.at !== 'host' || client.node === here || !client.isMonitored;
  };

  const column = memory.column('boolean', reporter.length);
  for (let row = 0; row < column.length; row++) column[row] = Number(counts(row));
  return column;
}

/** Which records of DNS lookups totals count: that of the client pod's node, if it is monitored, else any. */
export function primaryLookups(
  nodes: StringColumn,
  ends: FlowEndpoints,
  context: EnrichmentContext,
): Uint8Array {
  const clientAt = places(ends, context);
  return Uint8Array.from(ends.numbers, (_, row) => {
    const { at, node, isMonitored } = clientAt(row);
    const isReportedElsewhere = at === 'pod' && isMonitored && node !== stringAt(nodes, row);
    return Number(!isReportedElsewhere);
  });
}

/**
 * The place of each row's end, computed once for each distinct end and unknown address. An address of nobody that is known is a pod's
 * if it belongs to a node: the API server has told of the pod too late, or never.
 */
function places(
  { addresses, numbers, distinct, columns }: FlowEndpoints,
  context: EnrichmentContext,
): (row: number) => Place {
  const { nodeRanges } = context.cluster;
  const known = new Array<Place | undefined>(distinct);
  const ofStrangers = new Array<Place | undefined>(addresses.distinct);
  const podsOf = new Map<string, Place>();
  const podOf = (node: string): Place => {
    let place = podsOf.get(node);
    if (!place) podsOf.set(node, (place = { at: 'pod', node, isMonitored: context.isMonitored(node) }));
    return place;
  };
  return (row) => {
    const number = numbers[row] ?? 0;
    let place = known[number];
    if (!place) {
      const kind = columns.kind[row] ?? 0;
      const node = stringAt(columns.node, row);
      if (kind === POD) place = podOf(node);
      else if (kind === NODE || kind === HOST_NETWORK_POD) place = { ...podOf(node), at: 'host' };
      else place = OUTSIDE;
      known[number] = place;
    }
    if (place !== OUTSIDE || columns.kind[row] === SERVICE) return place;
    const address = addresses.numbers[row] ?? 0;
    let stranger = ofStrangers[address];
    if (!stranger) {
      const node = nodeRanges.nodeOf(addresses.bytes, row * 16);
      ofStrangers[address] = stranger = node === '' ? OUTSIDE : podOf(node);
    }
    return stranger;
  };
}
