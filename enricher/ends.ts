import type { Cluster } from '@sonde/model/cluster/cluster';
import type { EndpointIdentity } from '@sonde/model/cluster/identity';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { EVERY_NODE } from '@sonde/model/cluster/port-index';
import type { FlowColumns, TextColumn } from '@sonde/model/flow/columns';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { halvesOf, readWide } from '@sonde/model/flow/wide';

/**
 * Who stands at one end of each flow. The distinct ends of a block are numbered, and each context column is that
 * numbering with a dictionary of its own, so that a row costs one look-up and one number whatever the number of
 * columns.
 */
export interface FlowEnds {
  /** The identity number of each row's end (`cluster.identities`). */
  readonly identities: Uint32Array;
  /** The number of each row's end among the distinct ones of the block. */
  readonly numbers: Uint32Array;
  readonly columns: EndColumns;
}

/** The columns that say who an end is, by their names without the `src_` or `dst_` before them. */
export type EndColumns = Readonly<Record<EndText, TextColumn>> & { readonly kind: Uint8Array };

type EndText = Exclude<EndTextOf<keyof FlowColumns>, 'process' | 'domain'>;
type EndTextOf<Name> = Name extends `src_${infer Field}`
  ? FlowColumns[`src_${Field}` & keyof FlowColumns] extends TextColumn
    ? Field
    : never
  : never;

/** One distinct end: a row of every dictionary. */
type End = Readonly<Record<EndText, string>> & { readonly kind: number };

const NODE = enumerationNumber('src_kind', 'node');

/** Most network-set matches that one block tells apart; the product with identities stays a safe integer. */
const NETWORK_SETS_APART = 2 ** 20;

/** Who is looked for behind a node's address: its own pods by their ports, or services by their node ports. */
export interface BehindNodes {
  readonly who: 'pods' | 'services';
  /** IANA protocol numbers. */
  readonly protocols: Uint8Array;
  /** The port at each row's address. */
  readonly ports: Uint16Array;
}

/**
 * Attributes one end of each row by its address (16 bytes a row) at the row's time. With `behind`, a node's address
 * is attributed to who listens on the row's port of it, if that is known.
 */
export function attributeEnds(
  cluster: Cluster,
  addresses: Uint8Array,
  times: BigUint64Array,
  behind?: BehindNodes,
): FlowEnds {
  const rows = times.length;
  const halves = halvesOf(times);
  const identities = new Uint32Array(rows);
  const indexes = new Uint32Array(rows);
  const ends: End[] = [];
  const numbers = new Map<number, number>();

  const numberOf = (identity: number, networkSet: number): number => {
    const key = identity * NETWORK_SETS_APART + networkSet;
    let number = numbers.get(key);
    if (number === undefined) {
      number = ends.push(describe(cluster, identity, networkSet)) - 1;
      numbers.set(key, number);
    }
    return number;
  };

  for (let row = 0; row < rows; row++) {
    const timeMs = readWide(halves, row);
    let identity = cluster.identities.lookup(addresses, row * 16, timeMs);
    const networkSet = cluster.networkSets.lookup(addresses, row * 16);
    let number = numberOf(identity, networkSet);
    const end = ends[number];
    if (behind && end?.kind === NODE) {
      const node = behind.who === 'pods' ? end.name : EVERY_NODE;
      const protocol = behind.protocols[row] ?? 0;
      const listener = cluster.ports.lookup(node, protocol, behind.ports[row] ?? 0, timeMs);
      if (listener !== UNKNOWN_IDENTITY) {
        identity = listener;
        number = numberOf(identity, networkSet);
      }
    }
    identities[row] = identity;
    indexes[row] = number;
  }

  const kind = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) kind[row] = ends[indexes[row] ?? 0]?.kind ?? 0;
  const text = (field: EndText): TextColumn => ({ indexes, dictionary: ends.map((end) => end[field]) });
  const columns = {
    kind,
    namespace: text('namespace'),
    name: text('name'),
    workload: text('workload'),
    workload_kind: text('workload_kind'),
    service_account: text('service_account'),
    labels: text('labels'),
    node: text('node'),
    zone: text('zone'),
    network_sets: text('network_sets'),
  };
  return { identities, numbers: indexes, columns };
}

/** The columns of an end under their names in the record. */
export function prefixed<Prefix extends 'src' | 'dst'>(prefix: Prefix, columns: EndColumns) {
  const entries = Object.entries(columns).map(([name, column]) => [`${prefix}_${name}`, column]);
  return Object.fromEntries(entries) as {
    [Name in keyof EndColumns as `${Prefix}_${Name}`]: EndColumns[Name];
  };
}

function describe(cluster: Cluster, identityNumber: number, networkSetNumber: number): End {
  const sets = cluster.networkSets.match(networkSetNumber);
  const network_sets = sets?.all ?? '';
  if (identityNumber !== UNKNOWN_IDENTITY) {
    const identity = cluster.identities.identity(identityNumber);
    if (identity) return { ...fieldsOf(identity), network_sets };
  }
  if (sets)
    return {
      ...NOBODY,
      kind: enumerationNumber('src_kind', 'network_set'),
      ...nameOf(sets),
      labels: sets.labels,
      network_sets,
    };
  return NOBODY;
}

const NOBODY: End = {
  kind: enumerationNumber('src_kind', 'external'),
  namespace: '',
  name: '',
  workload: '',
  workload_kind: '',
  service_account: '',
  labels: '',
  node: '',
  zone: '',
  network_sets: '',
};

function fieldsOf(identity: EndpointIdentity): End {
  return {
    ...NOBODY,
    kind: enumerationNumber('src_kind', identity.kind),
    ...nameOf(identity),
    workload: identity.workload,
    workload_kind: identity.workloadKind,
    service_account: identity.serviceAccount,
    labels: identity.labels,
    node: identity.node,
    zone: identity.zone,
  };
}

function nameOf({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  return { namespace, name };
}
