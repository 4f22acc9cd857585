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

/** The location of one endpoint of a connection. */
interface Location {
  /** `host`: the node itself or a pod on its network; `outside`: on no known node. */
  readonly at: 'pod' | 'host' | 'outside';
  readonly node: string;
  /** Whether the flows of the node are collected. */
  readonly isMonitored: boolean;
}

const OUTSIDE: Location = { at: 'outside', node: '', isMonitored: false };

/**
 * Marks the records that totals count: of all records of the same packets exactly one, decided for each record without the
 * others. It is the record of the first of these nodes that is monitored: the node of the client pod, which sees all
 * traffic of the pod; the node of the server pod; the node that is the client or shares its network, seen at its
 * uplink; else any reporting node.
 */
export function primaryFlows(
  reporter: ObservedColumns['reporter'],
  nodes: StringColumn,
  ends: { readonly src: FlowEndpoints; readonly dst: FlowEndpoints },
  context: EnrichmentContext,
  memory: ColumnMemory,
): Uint8Array {
  const clientAt = locations(ends.src, context);
  const serverAt = locations(ends.dst, context);

  const counts = (row: number): boolean => {
    // The probe saw the client behind an interface of its own node, whoever owns its address.
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

/** Marks the DNS lookups that totals count: those of the client pod's node if it is monitored, else any. */
export function primaryLookups(
  nodes: StringColumn,
  ends: FlowEndpoints,
  context: EnrichmentContext,
): Uint8Array {
  const clientAt = locations(ends, context);
  return Uint8Array.from(ends.numbers, (_, row) => {
    const { at, node, isMonitored } = clientAt(row);
    const isReportedElsewhere = at === 'pod' && isMonitored && node !== stringAt(nodes, row);
    return Number(!isReportedElsewhere);
  });
}

/**
 * The location of each row's endpoint, computed once per endpoint and unknown address. An unknown address in a range of
 * a node belongs to a pod that the API server reports late, or never.
 */
function locations(
  { addresses, numbers, distinct, columns }: FlowEndpoints,
  context: EnrichmentContext,
): (row: number) => Location {
  const { nodeRanges } = context.cluster;
  const known = new Array<Location | undefined>(distinct);
  const ofUnknown = new Array<Location | undefined>(addresses.distinct);
  const podsOf = new Map<string, Location>();
  const podOf = (node: string): Location => {
    let location = podsOf.get(node);
    if (!location) podsOf.set(node, (location = { at: 'pod', node, isMonitored: context.isMonitored(node) }));
    return location;
  };
  return (row) => {
    const number = numbers[row] ?? 0;
    let location = known[number];
    if (!location) {
      const kind = columns.kind[row] ?? 0;
      const node = stringAt(columns.node, row);
      if (kind === POD) location = podOf(node);
      else if (kind === NODE || kind === HOST_NETWORK_POD) location = { ...podOf(node), at: 'host' };
      else location = OUTSIDE;
      known[number] = location;
    }
    if (location !== OUTSIDE || columns.kind[row] === SERVICE) return location;
    const address = addresses.numbers[row] ?? 0;
    let unknown = ofUnknown[address];
    if (!unknown) {
      const node = nodeRanges.nodeOf(addresses.bytes, row * 16);
      ofUnknown[address] = unknown = node === '' ? OUTSIDE : podOf(node);
    }
    return unknown;
  };
}
