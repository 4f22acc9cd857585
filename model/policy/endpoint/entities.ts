import type { Domains } from '../address/domains.js';
import type { AddressFactSet, AddressFacts } from '../address/facts.js';
import { addressPrefix } from '../../net/prefix.js';
import type { PolicyNode } from './pods-and-nodes.js';
import { NAMESPACE_LABEL, NAMESPACE_PREFIX, NAME_LABEL } from '../compile/calico-labels.js';
import type { EndpointPort, HostEndpoint, NetworkSet, Profile } from '../resources/endpoints.js';
import type { Labels } from '../selector/selector.js';
import type { Workloads } from './workloads.js';

/** A host endpoint as policies see it. */
export interface Host {
  readonly name: string;
  readonly node: string;
  readonly labels: Labels;
  readonly ports: readonly EndpointPort[];
  readonly profiles: readonly string[];
}

/** What an address belongs to, apart from pods. */
export interface AddressEntities {
  /** Labels of the network sets and host endpoints that Calico's selectors match the address by. */
  readonly labelled: readonly Labels[];
  /** Labels of the network sets that match it by a domain name. */
  readonly named: readonly Labels[];
  /** Labels of the nodes that have the address. */
  readonly nodes: readonly Labels[];
  /** The host endpoint whose policies govern traffic of the address. */
  readonly host: Host | undefined;
  readonly ports: readonly EndpointPort[];
  /** Names of host endpoints that may govern it, depending on the interface. */
  readonly unclearHosts: readonly string[];
}

type Entity =
  | { readonly kind: 'labelled'; readonly labels: Labels; readonly host: Host | undefined }
  | { readonly kind: 'named'; readonly labels: Labels }
  | { readonly kind: 'governing'; readonly host: Host }
  | { readonly kind: 'unclear'; readonly host: Host }
  | { readonly kind: 'node'; readonly labels: Labels };

/**
 * Network sets, host endpoints and nodes: everything except pods that addresses belong to. A changed object is described
 * by new facts, because the meaning of a fact never changes.
 */
export class Entities {
  readonly #facts: AddressFacts;
  readonly #domains: Domains;
  readonly #workloads: Workloads;
  readonly #entities = new Map<number, Entity>();
  /** The facts that describe each object, by `kind/namespace/name`. */
  readonly #factsOf = new Map<string, number[]>();
  readonly #sets = new Map<string, NetworkSet>();
  readonly #hosts = new Map<string, HostEndpoint>();
  readonly #nodes = new Map<string, PolicyNode>();
  readonly #profiles = new Map<string, Profile>();
  #ofClass = new Map<number, AddressEntities>();

  constructor(facts: AddressFacts, domains: Domains, workloads: Workloads) {
    this.#facts = facts;
    this.#domains = domains;
    this.#workloads = workloads;
  }

  setNetworkSet(set: NetworkSet): void {
    this.#sets.set(`${set.namespace}/${set.name}`, set);
    this.#describeSet(set);
  }

  deleteNetworkSet(namespace: string, name: string): void {
    const key = `set/${namespace}/${name}`;
    this.#sets.delete(`${namespace}/${name}`);
    this.#domains.release(key);
    this.#describe(key, []);
  }

  setHostEndpoint(endpoint: HostEndpoint): void {
    this.#hosts.set(endpoint.name, endpoint);
    this.#describeHost(endpoint);
  }

  deleteHostEndpoint(name: string): void {
    this.#hosts.delete(name);
    this.#describe(`host/${name}`, []);
  }

  setNode(node: PolicyNode): void {
    this.#nodes.set(node.name, node);
    const entity: Entity = { kind: 'node', labels: new Map(Object.entries(node.labels)) };
    this.#describe(`node/${node.name}`, [[entity, this.#facts.add(node.addresses.map(addressPrefix))]]);
    this.#describeHostsOf(node.name);
  }

  deleteNode(name: string): void {
    this.#nodes.delete(name);
    this.#describe(`node/${name}`, []);
    this.#describeHostsOf(name);
  }

  setProfile(profile: Profile): void {
    this.#profiles.set(profile.name, profile);
    for (const host of this.#hosts.values())
      if (host.profiles.includes(profile.name)) this.#describeHost(host);
  }

  deleteProfile(name: string): void {
    this.#profiles.delete(name);
    for (const host of this.#hosts.values()) if (host.profiles.includes(name)) this.#describeHost(host);
  }

  /** Must be called when the labels of a namespace change: its network sets inherit them. */
  namespaceChanged(namespace: string): void {
    for (const set of this.#sets.values()) if (set.namespace === namespace) this.#describeSet(set);
  }

  /** The host endpoints of a node. */
  hostsOf(node: string): Host[] {
    return [...this.#hosts.values()].filter((host) => host.node === node).map((host) => this.#host(host));
  }

  /** Labels of all network sets, or of those with domain names. */
  networkSetLabels(which: 'all' | 'with domains'): Labels[] {
    const sets = [...this.#sets.values()].filter(({ domains }) => which === 'all' || domains.length > 0);
    return sets.map((set) => this.#setLabels(set));
  }

  /** What the addresses of a class belong to. */
  of({ id, facts }: AddressFactSet): AddressEntities {
    const known = this.#ofClass.get(id);
    if (known) return known;
    const entities = [...facts]
      .map((fact) => this.#entities.get(fact))
      .filter((entity) => entity !== undefined);
    const labelled = entities.filter((entity) => entity.kind === 'labelled');
    const expected = labelled.map(({ host }) => host).filter((host) => host !== undefined);
    const governing = entities.filter((entity) => entity.kind === 'governing').map(({ host }) => host);
    const byName = (a: Host, b: Host) => (a.name < b.name ? -1 : 1);
    const found: AddressEntities = {
      labelled: labelled.map(({ labels }) => labels),
      named: entities.filter((entity) => entity.kind === 'named').map(({ labels }) => labels),
      nodes: entities.filter((entity) => entity.kind === 'node').map(({ labels }) => labels),
      host: [...expected.sort(byName), ...governing.sort(byName)][0],
      ports: expected.flatMap(({ ports }) => ports),
      unclearHosts: entities
        .filter((entity) => entity.kind === 'unclear')
        .map(({ host }) => host.name)
        .sort(),
    };
    this.#ofClass.set(id, found);
    return found;
  }

  /** Must be called when the numbers of address classes start over. */
  forgetClasses(): void {
    this.#ofClass = new Map();
  }

  #describeSet(set: NetworkSet): void {
    const key = `set/${set.namespace}/${set.name}`;
    const labels = this.#setLabels(set);
    this.#domains.release(key);
    const named = set.domains.map((domain) => this.#domains.factOf(domain, 'anything', key));
    this.#describe(key, [
      [{ kind: 'labelled', labels, host: undefined }, this.#facts.add(set.nets)],
      ...named.map((fact): [Entity, number] => [{ kind: 'named', labels }, fact]),
    ]);
  }

  /** A set in a namespace inherits the namespace's labels, as a pod does (networksetprocessor.go). */
  #setLabels({ namespace, labels }: NetworkSet): Labels {
    const own = Object.entries(labels);
    if (namespace === '') return new Map(own);
    const inherited = Object.entries(this.#workloads.namespaceLabels(namespace));
    return new Map([
      ...inherited.map(([key, value]): [string, string] => [NAMESPACE_PREFIX + key, value]),
      [NAMESPACE_PREFIX + NAME_LABEL, namespace],
      ...own,
      [NAMESPACE_LABEL, namespace],
    ]);
  }

  /**
   * A host endpoint matches its expected addresses. One for all interfaces also governs its node's addresses; one for a
   * single interface may do so, if it lists no addresses.
   */
  #describeHost(endpoint: HostEndpoint): void {
    const host = this.#host(endpoint);
    const expected = endpoint.expectedIps.map(addressPrefix);
    const ofNode = (this.#nodes.get(endpoint.node)?.addresses ?? []).map(addressPrefix);
    const described: [Entity, number][] = [
      [{ kind: 'labelled', labels: host.labels, host }, this.#facts.add(expected)],
    ];
    if (endpoint.interfaceName === '*')
      described.push([{ kind: 'governing', host }, this.#facts.add(ofNode)]);
    else if (expected.length === 0) described.push([{ kind: 'unclear', host }, this.#facts.add(ofNode)]);
    this.#describe(`host/${endpoint.name}`, described);
  }

  #describeHostsOf(node: string): void {
    for (const host of this.#hosts.values()) if (host.node === node) this.#describeHost(host);
  }

  #host({ name, node, labels, ports, profiles }: HostEndpoint): Host {
    const inherited = profiles.flatMap((profile) =>
      Object.entries(this.#profiles.get(profile)?.labelsToApply ?? {}),
    );
    return { name, node, labels: new Map([...inherited, ...Object.entries(labels)]), ports, profiles };
  }

  #describe(key: string, described: readonly (readonly [Entity, number])[]): void {
    for (const fact of this.#factsOf.get(key) ?? []) {
      this.#facts.assign(fact, []);
      this.#entities.delete(fact);
    }
    for (const [entity, fact] of described) this.#entities.set(fact, entity);
    this.#factsOf.set(
      key,
      described.map(([, fact]) => fact),
    );
    this.forgetClasses();
  }
}
