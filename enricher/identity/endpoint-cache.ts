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

/** The id of the unknown endpoint. */
export const UNKNOWN_ENDPOINT = 0;

/** Maximum number of endpoints before the cache is cleared; some 60 MiB. */
const MAX_ENDPOINTS = 200_000;

/**
 * The endpoints of flows of a cluster, with ids that are the same in every block, because endpoints recur: the fields of each are
 * looked up once. An endpoint is the owner of an address and the network sets that contain the address; if one of
 * them changes, it gets another id.
 */
export class EndpointCache {
  readonly #cluster: Cluster;
  #stringIdsOf = new EndpointStrings();
  /** Ids of endpoints by network set match and identity. */
  #ids: Map<number, number>[] = [];
  /** By id: the objects that the fields were read from. */
  #ownerOf: (EndpointIdentity | undefined)[] = [];
  #setsOf: (NetworkSetMatch | undefined)[] = [];
  #identityOf: number[] = [];
  #kindOf: number[] = [];
  #strings = perField((): string[] => []);
  #stringIds = perField((): number[] => []);

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.idOf(UNKNOWN_IDENTITY, NO_NETWORK_SET);
  }

  /** Number of endpoints; all ids are below it. */
  get size(): number {
    return this.#identityOf.length;
  }

  /** Identities (`cluster.identities`) by id. */
  get identityOf(): readonly number[] {
    return this.#identityOf;
  }

  /** Kinds by id, as numbers of the enumeration. */
  get kindOf(): readonly number[] {
    return this.#kindOf;
  }

  /** Values of a field by id. */
  stringsOf(field: EndpointStringField): readonly string[] {
    return this.#strings[field];
  }

  /** Ids of the values of a field by id of the endpoint; equal values have the same id. */
  stringIdsOf(field: EndpointStringField): readonly number[] {
    return this.#stringIds[field];
  }

  /** The id of an endpoint with its present fields. */
  idOf(identity: number, networkSet: number): number {
    const ofSets = (this.#ids[networkSet] ??= new Map<number, number>());
    const known = ofSets.get(identity);
    const owner = this.#cluster.identities.identity(identity);
    const sets = this.#cluster.networkSets.match(networkSet);
    if (known !== undefined && this.#ownerOf[known] === owner && this.#setsOf[known] === sets) return known;
    const number = this.#identityOf.push(identity) - 1;
    ofSets.set(identity, number);
    this.#describe(owner, sets);
    return number;
  }

  /** Clears the cache if it is full, as after long churn. Call it while no id is in use. */
  trim(): void {
    if (this.size < MAX_ENDPOINTS) return;
    this.#stringIdsOf = new EndpointStrings();
    this.#ids = [];
    this.#ownerOf = [];
    this.#setsOf = [];
    this.#identityOf = [];
    this.#kindOf = [];
    // Blocks that are being stored may still use the former dictionaries.
    this.#strings = perField(() => []);
    this.#stringIds = perField(() => []);
    this.idOf(UNKNOWN_IDENTITY, NO_NETWORK_SET);
  }

  /** Adds an endpoint to the dictionaries: the owner of the address, or else its network set. */
  #describe(owner: EndpointIdentity | undefined, sets: NetworkSetMatch | undefined): void {
    this.#ownerOf.push(owner);
    this.#setsOf.push(sets);
    if (owner) {
      const numbers = this.#stringIdsOf.numbersOf(owner);
      for (const [place, field] of identityStringFields.entries()) {
        this.#strings[field].push(stringOf(owner, field));
        this.#stringIds[field].push(numbers[place] ?? 0);
      }
    } else {
      const { namespace = '', name = '', labels = '' } = sets ?? {};
      const named: Partial<Record<EndpointStringField, string>> = { namespace, name, labels };
      for (const field of identityStringFields) this.#addString(field, named[field] ?? '');
    }
    this.#addString('network_sets', sets?.all ?? '');
    const kind = owner?.kind ?? (sets ? 'network_set' : 'external');
    this.#kindOf.push(enumerationNumber('src_kind', kind));
  }

  #addString(field: EndpointStringField, text: string): void {
    this.#strings[field].push(text);
    this.#stringIds[field].push(this.#stringIdsOf.numberOf(field, text));
  }
}

/** A value for each string field of an endpoint. */
export function perField<Value>(
  make: (field: EndpointStringField) => Value,
): Record<EndpointStringField, Value> {
  const fields = [...identityStringFields, 'network_sets'] as const;
  return Object.fromEntries(fields.map((field) => [field, make(field)])) as Record<
    EndpointStringField,
    Value
  >;
}
