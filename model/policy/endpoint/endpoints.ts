import type { AddressFactSet, AddressFacts } from '../address/facts.js';
import type { AddressFamily } from '../../net/prefix.js';
import type { PolicyPod } from './pods-and-nodes.js';
import type { EndpointPort } from '../resources/endpoints.js';
import type { Labels } from '../selector/selector.js';
import type { Entities, Host } from './entities.js';
import type { Workload, Workloads } from './workloads.js';

/** An endpoint of connections, as policies see it. Endpoints that no policy can distinguish are one object. */
export interface Endpoint {
  /** The identity: a small number, from 0. */
  readonly id: number;
  readonly workload: Workload | undefined;
  /** The host endpoint that governs the address, unless it belongs to a pod. */
  readonly host: Host | undefined;
  /** Undefined if the address is unknown. */
  readonly family: AddressFamily | undefined;
  readonly facts: ReadonlySet<number>;
  /** Every set of labels that Calico's selectors match the address by. */
  readonly labelled: readonly Labels[];
  /** Labels of the network sets with a domain name that the address was an answer for. */
  readonly named: readonly Labels[];
  readonly nodes: readonly Labels[];
  readonly ports: readonly EndpointPort[];
  readonly unclearHosts: readonly string[];
}

/** Interns endpoints by workload and class of address. */
export class Endpoints {
  readonly all: Endpoint[] = [];
  readonly #facts: AddressFacts;
  readonly #workloads: Workloads;
  readonly #entities: Entities;
  readonly #byParts = new Map<number, Endpoint>();

  constructor(facts: AddressFacts, workloads: Workloads, entities: Entities) {
    this.#facts = facts;
    this.#workloads = workloads;
    this.#entities = entities;
  }

  /**
   * The endpoint for an address (16 bytes at `offset`) that belongs to `pod`, if given. Without an address, conditions
   * on it are undecided.
   */
  intern(addresses: Uint8Array | undefined, offset: number, pod: PolicyPod | undefined): Endpoint {
    const addressClass = addresses ? this.#facts.classOf(addresses, offset) : this.#facts.unknown;
    const workload = pod && this.#workloads.intern(pod);
    // Workloads and classes are counted from 0, and both stay far below 2^26.
    const parts = addressClass.id * 0x4000000 + (workload ? workload.id + 1 : 0);
    const known = this.#byParts.get(parts);
    if (known) return known;
    const endpoint = this.#create(addressClass, workload);
    this.all.push(endpoint);
    this.#byParts.set(parts, endpoint);
    return endpoint;
  }

  #create(addressClass: AddressFactSet, workload: Workload | undefined): Endpoint {
    const entities = this.#entities.of(addressClass);
    return {
      id: this.all.length,
      workload,
      host: workload ? undefined : entities.host,
      family: addressClass.family,
      facts: addressClass.facts,
      labelled: workload ? [workload.labels, ...entities.labelled] : entities.labelled,
      named: entities.named,
      // A pod is no node, even with an address that a node's pod range reserves for the node.
      nodes: workload ? [] : entities.nodes,
      ports: workload ? workload.ports : entities.ports,
      unclearHosts: workload || entities.host ? [] : entities.unclearHosts,
    };
  }
}
