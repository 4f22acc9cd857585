import type { AddressFacts } from './facts.js';
import { addressPrefix, type AddressPrefix } from '../../net/prefix.js';

/** The endpoints of a service, reduced to what policies depend on. */
export interface ServiceEndpoints {
  readonly namespace: string;
  readonly name: string;
  /** Undefined if the service exists but its endpoints are not known. */
  readonly endpoints: readonly ServiceEndpoint[] | undefined;
}

export interface ServiceEndpoint {
  /** 16 bytes. */
  readonly address: Uint8Array;
  readonly protocol: number;
  readonly port: number;
}

/** The facts about the endpoint addresses of one service. */
export interface ServiceFacts {
  readonly namespace: string;
  readonly name: string;
  /** Whether the endpoints are known. A service that does not exist is known to have none. */
  known: boolean;
  /** The fact "is an endpoint of the service". */
  readonly address: number;
  /** The facts "is an endpoint of the service on this protocol and port", by {@link portKey}. */
  readonly ports: ReadonlyMap<number, number>;
}

/** A protocol and port as one map key. */
export function portKey(protocol: number, port: number): number {
  return protocol * 65_536 + port;
}

interface Entry extends ServiceFacts {
  readonly ports: Map<number, number>;
}

/** The services of the cluster. Only those that a policy refers to have facts. */
export class Services {
  readonly #facts: AddressFacts;
  readonly #services = new Map<string, ServiceEndpoints>();
  readonly #referenced = new Map<string, Entry>();

  constructor(facts: AddressFacts) {
    this.#facts = facts;
  }

  /** The facts of a service that a policy refers to, whether it exists or not. */
  factsOf(namespace: string, name: string): ServiceFacts {
    const key = `${namespace}/${name}`;
    const known = this.#referenced.get(key);
    if (known) return known;
    const entry: Entry = { namespace, name, known: true, address: this.#facts.add([]), ports: new Map() };
    this.#referenced.set(key, entry);
    this.#assign(entry, this.#services.get(key));
    return entry;
  }

  /** Sets the endpoints of a service; returns whether `known` changed. */
  set(service: ServiceEndpoints): boolean {
    const key = `${service.namespace}/${service.name}`;
    this.#services.set(key, service);
    const entry = this.#referenced.get(key);
    return entry ? this.#assign(entry, service) : false;
  }

  /** Removes a service; returns whether `known` changed. */
  delete(namespace: string, name: string): boolean {
    const key = `${namespace}/${name}`;
    this.#services.delete(key);
    const entry = this.#referenced.get(key);
    return entry ? this.#assign(entry, undefined) : false;
  }

  #assign(entry: Entry, service: ServiceEndpoints | undefined): boolean {
    const wasKnown = entry.known;
    entry.known = service === undefined || service.endpoints !== undefined;
    const endpoints = service?.endpoints ?? [];
    this.#facts.assign(entry.address, endpoints.map(prefixOf));
    const byPort = new Map<number, AddressPrefix[]>();
    for (const key of entry.ports.keys()) byPort.set(key, []);
    for (const endpoint of endpoints) {
      const key = portKey(endpoint.protocol, endpoint.port);
      byPort.set(key, [...(byPort.get(key) ?? []), prefixOf(endpoint)]);
    }
    for (const [key, prefixes] of byPort) {
      const fact = entry.ports.get(key);
      if (fact === undefined) entry.ports.set(key, this.#facts.add(prefixes));
      else this.#facts.assign(fact, prefixes);
    }
    return entry.known !== wasKnown;
  }
}

function prefixOf({ address }: ServiceEndpoint): AddressPrefix {
  return addressPrefix(address);
}
