import { stringAt } from '@sonde/model/record/string-column';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { EVERY_NODE } from '@sonde/model/cluster/port-index';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import type { StringColumn } from '@sonde/model/record/columns';
import { NODE } from './endpoint-cache.js';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { type AddressColumn, BlockAddresses } from './block-addresses.js';
import type { EndpointStringField } from './endpoint-strings.js';
import { type EndpointCache, perField } from './endpoint-cache.js';

/**
 * The endpoint at one side of each flow. Endpoints have ids, and each context column consists of these ids and a dictionary of
 * its own, so that a row costs one lookup and one id for any number of columns.
 */
export interface FlowEndpoints {
  readonly addresses: AddressColumn;
  /** The id of each row's endpoint. */
  readonly numbers: Uint32Array;
  /** All ids of endpoints are below this number. */
  readonly distinct: number;
  /** The identity (`cluster.identities`) of each endpoint by its id. */
  readonly identityOf: readonly number[];
  readonly columns: EndpointColumns;
}

/** The columns that identify an endpoint, by their names without `src_` or `dst_`. */
export type EndpointColumns = Readonly<Record<EndpointStringField, StringColumn>> & {
  readonly kind: Uint8Array;
};

/** Marks a value that is not computed yet. */
const NOT_LOOKED_UP = -2;

/** What is looked up behind a node's address: its pods by their ports, or services by their node ports. */
export interface BehindNodes {
  readonly who: 'pods' | 'services';
  /** IANA protocol numbers. */
  readonly protocols: Uint8Array;
  /** The port at each row's address. */
  readonly ports: Uint16Array;
  /** Names of the processes that own each row's socket, if known. */
  readonly processes?: StringColumn;
}

/** Attributes the endpoints of one block's flows. */
export class BlockEndpoints {
  readonly addresses = new BlockAddresses();
  readonly #cluster: Cluster;
  readonly #known: EndpointCache;
  readonly #memory: ColumnMemory;

  constructor(cluster: Cluster, known: EndpointCache, memory: ColumnMemory) {
    this.#cluster = cluster;
    this.#known = known;
    this.#memory = memory;
    known.trim();
  }

  /**
   * Attributes one endpoint of each row by its address at the row's time. With `behind`, a node's address is attributed to
   * the owner of the row's port, else to the only pod of the node with the row's process, if that is known. Hot
   * path: for an address seen before in the block, only its owner at the row's time is looked up, and nothing else while
   * that is the same.
   */
  attribute(addresses: AddressColumn, times: BigUint64Array, behind?: BehindNodes): FlowEndpoints {
    const { identities, networkSets, ports, processes } = this.#cluster;
    const { bytes, numbers: addressNumbers, distinct } = addresses;
    const known = this.#known;
    const { kindOf } = known;
    const names = known.stringsOf('name');
    const rows = times.length;
    const halves = halvesOf(times);
    const numbers = this.#memory.column('uint32', rows);
    const kind = this.#memory.column('uint8', rows);
    // By id of the address: its id in the index, its network sets, its last owner, and the endpoint of that.
    const places = new Int32Array(distinct).fill(NOT_LOOKED_UP);
    const sets = new Int32Array(distinct);
    const holders = new Int32Array(distinct).fill(-1);
    const ends = new Uint32Array(distinct);

    for (let row = 0; row < rows; row++) {
      const address = addressNumbers[row] ?? 0;
      let place = places[address] ?? 0;
      if (place === NOT_LOOKED_UP) {
        places[address] = place = identities.find(bytes, row * 16);
        sets[address] = networkSets.lookup(bytes, row * 16);
      }
      const timeMs = readWide(halves, row);
      const holder = identities.holder(place, timeMs);
      if (holders[address] !== holder) {
        holders[address] = holder;
        ends[address] = known.idOf(holder, sets[address] ?? 0);
      }
      let end = ends[address] ?? 0;
      if (behind && kindOf[end] === NODE) {
        const node = behind.who === 'pods' ? (names[end] ?? '') : EVERY_NODE;
        let owner = ports.lookup(node, behind.protocols[row] ?? 0, behind.ports[row] ?? 0, timeMs);
        if (owner === UNKNOWN_IDENTITY && behind.processes) {
          const process = stringAt(behind.processes, row);
          if (process !== '') owner = processes.lookup(node, process, timeMs);
        }
        if (owner !== UNKNOWN_IDENTITY) end = known.idOf(owner, sets[address] ?? 0);
      }
      numbers[row] = end;
      kind[row] = kindOf[end] ?? 0;
    }
    const columns = { kind, ...perField((field) => this.#column(field, numbers)) };
    return { addresses, numbers, distinct: known.size, identityOf: known.identityOf, columns };
  }

  #column(field: EndpointStringField, indexes: Uint32Array): StringColumn {
    const known = this.#known;
    return { indexes, dictionary: known.stringsOf(field), stringIds: known.stringIdsOf(field) };
  }
}

/** The columns of an endpoint by their names in the record. */
export function prefixed<Prefix extends 'src' | 'dst'>(prefix: Prefix, columns: EndpointColumns) {
  const entries = Object.entries(columns).map(([name, column]) => [`${prefix}_${name}`, column]);
  return Object.fromEntries(entries) as {
    [Name in keyof EndpointColumns as `${Prefix}_${Name}`]: EndpointColumns[Name];
  };
}
