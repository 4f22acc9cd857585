import type { Cluster } from '@sonde/model/cluster/cluster';
import type { EndpointIdentity } from '@sonde/model/cluster/identity';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { NO_NETWORK_SET, type NetworkSetMatch } from '@sonde/model/cluster/network-sets';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import {
  type EndpointStringField,
  EndpointStrings,
  identityStringFields,
  stringOf,
} from './endpoint-strings.js';

/** Kinds of endpoints by their numbers in the record; `src_kind` and `dst_kind` have the same. */
export const EXTERNAL = enumerationNumber('src_kind', 'external');
export const POD = enumerationNumber('src_kind', 'pod');
export const NODE = enumerationNumber('src_kind', 'node');
export const HOST_NETWORK_POD = enumerationNumber('src_kind', 'host_network_pod');
export const SERVICE = enumerationNumber('src_kind', 'service');
export const NETWORK_SET = enumerationNumber('src_kind', 'network_set');

/** The number of the end of which nothing is known. */
export const UNKNOWN_ENDPOINT = 0;

/** Ends that are remembered before the memory starts afresh: some 60 MiB. */
const REMEMBERED = 200_000;

/**
 * The ends that flows of a cluster have had, numbered from block to block: in every block come the same ones, and what is
 * said of each of them is looked up once. An end is who holds an address and the network sets that do; if one of them comes
 * to be described otherwise, it is an end of another number from then on.
 */
export class EndpointCache {
  readonly #cluster: Cluster;
  #endTexts = new EndpointStrings();
  /** The numbers of ends by number of the network sets and identity. */
  #numbers: Map<number, number>[] = [];
  /** By number of end: who and what it was described by. */
  #holderOf: (EndpointIdentity | undefined)[] = [];
  #setsOf: (NetworkSetMatch | undefined)[] = [];
  #identityOf: number[] = [];
  #kindOf: number[] = [];
  #texts = perField((): string[] => []);
  #textNumbers = perField((): number[] => []);

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.idOf(UNKNOWN_IDENTITY, NO_NETWORK_SET);
  }

  /** How many ends there are; their numbers are below it. */
  get size(): number {
    return this.#identityOf.length;
  }

  /** By number of end, its identity (`cluster.identities`). */
  get identityOf(): readonly number[] {
    return this.#identityOf;
  }

  /** By number of end, the number of its kind. */
  get kindOf(): readonly number[] {
    return this.#kindOf;
  }

  /** By number of end, what a field of it says. */
  stringsOf(field: EndpointStringField): readonly string[] {
    return this.#texts[field];
  }

  /** By number of end, the number of what a field of it says: the same for the same text. */
  stringIdsOf(field: EndpointStringField): readonly number[] {
    return this.#textNumbers[field];
  }

  /** The number of an end as it is described now. */
  idOf(identity: number, networkSet: number): number {
    const ofSets = (this.#numbers[networkSet] ??= new Map<number, number>());
    const known = ofSets.get(identity);
    const holder = this.#cluster.identities.identity(identity);
    const sets = this.#cluster.networkSets.match(networkSet);
    if (known !== undefined && this.#holderOf[known] === holder && this.#setsOf[known] === sets) return known;
    const number = this.#identityOf.push(identity) - 1;
    ofSets.set(identity, number);
    this.#describe(holder, sets);
    return number;
  }

  /** Starts afresh if there are very many ends, as after long churn. Call it when no number is held. */
  trim(): void {
    if (this.size < REMEMBERED) return;
    this.#endTexts = new EndpointStrings();
    this.#numbers = [];
    this.#holderOf = [];
    this.#setsOf = [];
    this.#identityOf = [];
    this.#kindOf = [];
    // Blocks that are on their way into the store may still hold the former ones.
    this.#texts = perField(() => []);
    this.#textNumbers = perField(() => []);
    this.idOf(UNKNOWN_IDENTITY, NO_NETWORK_SET);
  }

  /** Adds an end to the dictionaries: who holds the address, or else the network set that does. */
  #describe(holder: EndpointIdentity | undefined, sets: NetworkSetMatch | undefined): void {
    this.#holderOf.push(holder);
    this.#setsOf.push(sets);
    if (holder) {
      const numbers = this.#endTexts.numbersOf(holder);
      for (const [place, field] of identityStringFields.entries()) {
        this.#texts[field].push(stringOf(holder, field));
        this.#textNumbers[field].push(numbers[place] ?? 0);
      }
    } else {
      const { namespace = '', name = '', labels = '' } = sets ?? {};
      const named: Partial<Record<EndpointStringField, string>> = { namespace, name, labels };
      for (const field of identityStringFields) this.#addText(field, named[field] ?? '');
    }
    this.#addText('network_sets', sets?.all ?? '');
    const kind = holder?.kind ?? (sets ? 'network_set' : 'external');
    this.#kindOf.push(enumerationNumber('src_kind', kind));
  }

  #addText(field: EndpointStringField, text: string): void {
    this.#texts[field].push(text);
    this.#textNumbers[field].push(this.#endTexts.numberOf(field, text));
  }
}

/** Something for each of the fields of an end that are texts. */
export function perField<Value>(
  make: (field: EndpointStringField) => Value,
): Record<EndpointStringField, Value> {
  const fields = [...identityStringFields, 'network_sets'] as const;
  return Object.fromEntries(fields.map((field) => [field, make(field)])) as Record<
    EndpointStringField,
    Value
  >;
}
