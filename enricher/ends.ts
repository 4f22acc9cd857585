import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { NO_NETWORK_SET } from '@sonde/model/cluster/network-sets';
import { EVERY_NODE } from '@sonde/model/cluster/port-index';
import type { TextColumn } from '@sonde/model/flow/columns';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { halvesOf, readWide } from '@sonde/model/flow/wide';
import { type AddressColumn, BlockAddresses } from './block-addresses.js';
import { type EndText, type EndTexts, identityTexts, textOf } from './end-texts.js';

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
  /** Names of the processes that have each row's socket there, where they are known. */
  readonly processes?: TextColumn;
}

/** Attributes the ends of one block's flows. Ends of all columns are numbered together, and share dictionaries. */
export class BlockEnds {
  readonly addresses = new BlockAddresses();
  readonly #cluster: Cluster;
  readonly #endTexts: EndTexts;
  /** By number of end. */
  readonly #identityOf: number[] = [];
  readonly #kindOf: number[] = [];
  readonly #texts = perField((): string[] => []);
  readonly #textNumbers = perField((): number[] => []);
  /** The numbers of ends by number of the network sets and identity. */
  readonly #numbers: Map<number, number>[] = [];

  constructor(cluster: Cluster, endTexts: EndTexts) {
    this.#cluster = cluster;
    this.#endTexts = endTexts;
    endTexts.trim();
    this.#numberOf(UNKNOWN_IDENTITY, NO_NETWORK_SET);
  }

  /**
   * Attributes one end of each row by its address at the row's time. With `behind`, a node's address is attributed to
   * who listens on the row's port of it, else to the one pod there that runs the row's process, if that is known. Hot path: of an address seen before in the block only its
   * holder at the row's time is looked up, and nothing else while that stays the same.
   */
  attribute(addresses: AddressColumn, times: BigUint64Array, behind?: BehindNodes): FlowEnds {
    const { identities, networkSets, ports, processes } = this.#cluster;
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
        let owner = ports.lookup(node, behind.protocols[row] ?? 0, behind.ports[row] ?? 0, timeMs);
        if (owner === UNKNOWN_IDENTITY && behind.processes) {
          const process = textAt(behind.processes, row);
          if (process !== '') owner = processes.lookup(node, process, timeMs);
        }
        if (owner !== UNKNOWN_IDENTITY) end = this.#numberOf(owner, sets[address] ?? 0);
      }
      numbers[row] = end;
      kind[row] = this.#kindOf[end] ?? 0;
    }
    return { addresses, numbers, identityOf: this.#identityOf, columns: this.#columns(numbers, kind) };
  }

  #columns(indexes: Uint32Array, kind: Uint8Array): EndColumns {
    const texts = perField((field): TextColumn => {
      return { indexes, dictionary: this.#texts[field], textNumbers: this.#textNumbers[field] };
    });
    return { kind, ...texts };
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
    if (holder) {
      const numbers = this.#endTexts.numbersOf(holder);
      for (const [place, field] of identityTexts.entries()) {
        this.#texts[field].push(textOf(holder, field));
        this.#textNumbers[field].push(numbers[place] ?? 0);
      }
    } else {
      const { namespace = '', name = '', labels = '' } = sets ?? {};
      const named: Partial<Record<EndText, string>> = { namespace, name, labels };
      for (const field of identityTexts) this.#addText(field, named[field] ?? '');
    }
    this.#addText('network_sets', sets?.all ?? '');
    const kind = holder?.kind ?? (sets ? 'network_set' : 'external');
    this.#kindOf.push(enumerationNumber('src_kind', kind));
    return this.#identityOf.push(identity) - 1;
  }

  #addText(field: EndText, text: string): void {
    this.#texts[field].push(text);
    this.#textNumbers[field].push(this.#endTexts.numberOf(field, text));
  }
}

function perField<Value>(make: (field: EndText) => Value): Record<EndText, Value> {
  const fields = [...identityTexts, 'network_sets'] as const;
  return Object.fromEntries(fields.map((field) => [field, make(field)])) as Record<EndText, Value>;
}

function textAt({ indexes, dictionary }: TextColumn, row: number): string {
  return dictionary[indexes[row] ?? 0] ?? '';
}

/** The columns of an end under their names in the record. */
export function prefixed<Prefix extends 'src' | 'dst'>(prefix: Prefix, columns: EndColumns) {
  const entries = Object.entries(columns).map(([name, column]) => [`${prefix}_${name}`, column]);
  return Object.fromEntries(entries) as {
    [Name in keyof EndColumns as `${Prefix}_${Name}`]: EndColumns[Name];
  };
}
