import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { NO_NETWORK_SET } from '@sonde/model/cluster/network-sets';
import { EVERY_NODE } from '@sonde/model/cluster/port-index';
import type { FlowColumns, TextColumn } from '@sonde/model/flow/columns';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { halvesOf, readWide } from '@sonde/model/flow/wide';
import { type AddressColumn, BlockAddresses } from './block-addresses.js';

/**
 * Who stands at one end of each flow. The distinct ends of a block are numbered, and each context column is that
 * numbering with a dictionary of its own, so that a row costs one look-up and one number whatever the number of
 * columns.
 */
export interface FlowEnds {
  readonly addresses: AddressColumn;
  /** The number of each row's end among the distinct ones of the block. */
  readonly numbers: Uint32Array;
  /** The identity (`cluster.identities`) of each distinct end. */
  readonly identityOf: readonly number[];
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

/** The number of the end of which nothing is known, in every block. */
export const UNKNOWN_END = 0;

const NODE = enumerationNumber('src_kind', 'node');

/** What is kept by address until it is looked for. */
const NOT_LOOKED_FOR = -2;

/** Who is looked for behind a node's address: its own pods by their ports, or services by their node ports. */
export interface BehindNodes {
  readonly who: 'pods' | 'services';
  /** IANA protocol numbers. */
  readonly protocols: Uint8Array;
  /** The port at each row's address. */
  readonly ports: Uint16Array;
}

/** Attributes the ends of one block's flows. Ends of all columns are numbered together, and share dictionaries. */
export class BlockEnds {
  readonly addresses = new BlockAddresses();
  readonly #cluster: Cluster;
  /** By number of end. */
  readonly #identityOf: number[] = [];
  readonly #kindOf: number[] = [];
  readonly #texts: Readonly<Record<EndText, string[]>> = {
    ...{ namespace: [], name: [], workload: [], workload_kind: [], service_account: [], labels: [] },
    ...{ node: [], zone: [], network_sets: [] },
  };
  /** The numbers of ends by number of the network sets and identity. */
  readonly #numbers: Map<number, number>[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#numberOf(UNKNOWN_IDENTITY, NO_NETWORK_SET);
  }

  /**
   * Attributes one end of each row by its address at the row's time. With `behind`, a node's address is attributed to
   * who listens on the row's port of it, if that is known. Hot path: of an address seen before in the block only its
   * holder at the row's time is looked up, and nothing else while that stays the same.
   */
  attribute(addresses: AddressColumn, times: BigUint64Array, behind?: BehindNodes): FlowEnds {
    const { identities, networkSets, ports } = this.#cluster;
    const { bytes, numbers: addressNumbers, distinct } = addresses;
    const rows = times.length;
    const halves = halvesOf(times);
    const numbers = new Uint32Array(rows);
    const kind = new Uint8Array(rows);
    // By number of address: its place in the index, its network sets, and who held it last.
    const places = new Int32Array(distinct).fill(NOT_LOOKED_FOR);
    const sets = new Int32Array(distinct);
    const holders = new Int32Array(distinct).fill(-1);
    const ends = new Uint32Array(distinct);

    for (let row = 0; row < rows; row++) {
      const address = addressNumbers[row] ?? 0;
      let place = places[address] ?? 0;
      if (place === NOT_LOOKED_FOR) {
        places[address] = place = identities.find(bytes, row * 16);
        sets[address] = networkSets.lookup(bytes, row * 16);
      }
      const timeMs = readWide(halves, row);
      const holder = identities.holder(place, timeMs);
      if (holders[address] !== holder) {
        holders[address] = holder;
        ends[address] = this.#numberOf(holder, sets[address] ?? 0);
      }
      let end = ends[address] ?? 0;
      if (behind && this.#kindOf[end] === NODE) {
        const node = behind.who === 'pods' ? (this.#texts.name[end] ?? '') : EVERY_NODE;
        const listener = ports.lookup(node, behind.protocols[row] ?? 0, behind.ports[row] ?? 0, timeMs);
        if (listener !== UNKNOWN_IDENTITY) end = this.#numberOf(listener, sets[address] ?? 0);
      }
      numbers[row] = end;
      kind[row] = this.#kindOf[end] ?? 0;
    }
    return { addresses, numbers, identityOf: this.#identityOf, columns: this.#columns(numbers, kind) };
  }

  #columns(indexes: Uint32Array, kind: Uint8Array): EndColumns {
    const text = (field: EndText): TextColumn => ({ indexes, dictionary: this.#texts[field] });
    return {
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
  }

  #numberOf(identity: number, networkSet: number): number {
    const ofSets = (this.#numbers[networkSet] ??= new Map<number, number>());
    let number = ofSets.get(identity);
    if (number === undefined) {
      number = this.#describe(identity, networkSet);
      ofSets.set(identity, number);
    }
    return number;
  }

  /** Adds an end to the dictionaries: who holds the address, or else the network set that does. */
  #describe(identity: number, networkSet: number): number {
    const sets = this.#cluster.networkSets.match(networkSet);
    const holder = this.#cluster.identities.identity(identity);
    const named = holder ?? sets;
    const kind = holder?.kind ?? (sets ? 'network_set' : 'external');
    const texts = this.#texts;
    texts.namespace.push(named?.namespace ?? '');
    texts.name.push(named?.name ?? '');
    texts.workload.push(holder?.workload ?? '');
    texts.workload_kind.push(holder?.workloadKind ?? '');
    texts.service_account.push(holder?.serviceAccount ?? '');
    texts.labels.push(named?.labels ?? '');
    texts.node.push(holder?.node ?? '');
    texts.zone.push(holder?.zone ?? '');
    texts.network_sets.push(sets?.all ?? '');
    this.#kindOf.push(enumerationNumber('src_kind', kind));
    return this.#identityOf.push(identity) - 1;
  }
}

/** The columns of an end under their names in the record. */
export function prefixed<Prefix extends 'src' | 'dst'>(prefix: Prefix, columns: EndColumns) {
  const entries = Object.entries(columns).map(([name, column]) => [`${prefix}_${name}`, column]);
  return Object.fromEntries(entries) as {
    [Name in keyof EndColumns as `${Prefix}_${Name}`]: EndColumns[Name];
  };
}
