import { Domains } from './address/domains.js';
import { AddressFacts } from './address/facts.js';
import { Services, type ServiceEndpoints } from './address/services.js';
import { ResultCache } from './result-cache.js';
import type { PolicyNode, PolicyPod } from './endpoint/pods-and-nodes.js';
import type { AddressPrefix } from '../net/prefix.js';
import type { CompiledPolicy, CompiledTier } from './compile/compiled-policy.js';
import { ResultLookup } from './result-lookup.js';
import { Endpoints } from './endpoint/endpoints.js';
import { Entities } from './endpoint/entities.js';
import { Workloads } from './endpoint/workloads.js';
import { UNRELATED, type Relation } from './evaluate/connection.js';
import { appliesTo } from './evaluate/match.js';
import type { Direction, Program } from './evaluate/program.js';
import type { Verdict } from './evaluate/trace-rules.js';
import { CompiledPolicies } from './compiled-policies.js';
import type { PolicyResource } from './read-object.js';
import type { PolicyResult } from './evaluate/results.js';
import { ProgramIndex } from './program-index.js';

export interface EvaluatorOptions {
  /** How many results the cache holds at most. */
  readonly cacheCapacity?: number;
  /** Above so many identities, {@link PolicyEvaluator.trim} starts afresh. */
  readonly maxIdentities?: number;
}

/** Names a resource that is to be taken out. */
export interface ResourceName {
  readonly kind: PolicyResource['kind'];
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Above so many results, {@link PolicyEvaluator.trim} starts afresh. */
const MAX_RESULTS = 1_000_000;

/**
 * Evaluates connections: which policies were consulted, in which order, what each did, and the verdict. Pure:
 * it enforces nothing and reads nothing.
 *
 * Use:
 * 1. Take in the cluster: {@link apply} resources that `readPolicyObject` made of policies, tiers, network sets
 *    and host endpoints, and `set…` what else policies look at. In any order, at any time.
 * 2. {@link identify} each end once. Identities are small integers; remember them by whatever names an end, until
 *    {@link generation} changes.
 * 3. {@link evaluate} connections by identities. A repeated one costs a lookup and allocates nothing.
 * 4. Read {@link result} once per distinct number; `policies` and `pending.policies` are ready texts.
 * 5. {@link trim} now and then, between batches, keeps memory bounded.
 *
 * Connections are evaluated as their first packet, client to server, after destination NAT; replies need no
 * verdict of their own, for connection tracking admits what was admitted.
 */
export class PolicyEvaluator {
  readonly #domains: Domains;
  readonly #services: Services;
  readonly #facts = new AddressFacts();
  readonly #policies: CompiledPolicies;
  readonly #cache: ResultCache;
  readonly #maximumIdentities: number;
  readonly #workloads: Workloads;
  readonly #entities: Entities;
  #endpoints: Endpoints;
  #subjects: ProgramIndex;
  #results: ResultLookup;
  #ownGeneration = 0;
  /** Whether an end without an address was identified. */
  #addressesOpen = false;
  constructor({ cacheCapacity = 1 << 20, maxIdentities = 500_000 }: EvaluatorOptions = {}) {
    this.#maximumIdentities = maxIdentities;
    this.#domains = new Domains(this.#facts);
    this.#services = new Services(this.#facts);
    this.#policies = new CompiledPolicies({
      facts: this.#facts,
      services: this.#services,
      domains: this.#domains,
    });
    this.#cache = new ResultCache(cacheCapacity);
    this.#workloads = new Workloads(this.#policies.dependencies);
    this.#entities = new Entities(this.#facts, this.#domains, this.#workloads);
    this.#endpoints = new Endpoints(this.#facts, this.#workloads, this.#entities);
    this.#subjects = new ProgramIndex(this.#policies);
    this.#results = this.#noResults();
  }

  /** Changes whenever endpoints must be identified again; unaffected endpoints keep their identity. */
  get generation(): number {
    return this.#facts.generation + this.#ownGeneration;
  }

  /** Adds a resource, or replaces the one of its kind and name. */
  apply(resource: PolicyResource): void {
    switch (resource.kind) {
      case 'Tier':
        this.#policies.setTier(resource);
        this.#subjects.allChanged();
        break;
      case 'NetworkSet':
        this.#entities.setNetworkSet(resource);
        this.#networkSetsChanged();
        break;
      case 'HostEndpoint':
        this.#entities.setHostEndpoint(resource);
        break;
      case 'Profile':
        this.#policies.setProfile(resource);
        this.#entities.setProfile(resource);
        this.#lookAtMore();
        this.#subjects.allChanged();
        break;
      case 'NetworkPolicy':
      case 'StagedKubernetesNetworkPolicy':
      case 'AdminNetworkPolicy':
      case 'BaselineAdminNetworkPolicy':
      case 'ClusterNetworkPolicy':
      case 'CalicoNetworkPolicy':
      case 'GlobalNetworkPolicy':
      case 'StagedNetworkPolicy':
      case 'StagedGlobalNetworkPolicy':
        this.#policiesChanged(this.#policies.set(resource));
    }
  }

  /** Removes a resource, if it exists. */
  remove({ kind, namespace, name }: ResourceName): void {
    switch (kind) {
      case 'Tier':
        this.#policies.deleteTier(name);
        this.#subjects.allChanged();
        break;
      case 'NetworkSet':
        this.#entities.deleteNetworkSet(namespace, name);
        this.#networkSetsChanged();
        break;
      case 'HostEndpoint':
        this.#entities.deleteHostEndpoint(name);
        break;
      case 'Profile':
        this.#policies.deleteProfile(name);
        this.#entities.deleteProfile(name);
        this.#subjects.allChanged();
        break;
      case 'NetworkPolicy':
      case 'StagedKubernetesNetworkPolicy':
      case 'AdminNetworkPolicy':
      case 'BaselineAdminNetworkPolicy':
      case 'ClusterNetworkPolicy':
      case 'CalicoNetworkPolicy':
      case 'GlobalNetworkPolicy':
      case 'StagedNetworkPolicy':
      case 'StagedGlobalNetworkPolicy':
        this.#policiesChanged(this.#policies.delete(kind, namespace, name));
    }
  }

  /** Sets the labels of a namespace; undefined removes it. */
  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): void {
    this.#workloads.setNamespace(name, labels);
    this.#entities.namespaceChanged(name);
    this.#ownGeneration++;
  }

  /** Sets the labels of a service account; undefined removes it. */
  setServiceAccount(
    namespace: string,
    name: string,
    labels: Readonly<Record<string, string>> | undefined,
  ): void {
    this.#workloads.setServiceAccount(namespace, name, labels);
    this.#ownGeneration++;
  }

  setNode(node: PolicyNode): void {
    this.#entities.setNode(node);
  }

  deleteNode(name: string): void {
    this.#entities.deleteNode(name);
  }

  setService(service: ServiceEndpoints): void {
    if (this.#services.set(service)) this.#subjects.allChanged();
  }

  deleteService(namespace: string, name: string): void {
    if (this.#services.delete(namespace, name)) this.#subjects.allChanged();
  }

  /** Sets the addresses (16 bytes each) that a domain name resolves to; an empty list removes the name. */
  setDomain(name: string, addresses: readonly Uint8Array[]): void {
    this.markDomainsKnown();
    this.#domains.set([[name, addresses]]);
  }

  /**
   * Says of many domain names at once what addresses they were answered with; none forgets the name. It does not say
   * that names without an answer have no addresses, which {@link markDomainsKnown} does.
   */
  setDomains(answers: Iterable<readonly [name: string, addresses: readonly Uint8Array[]]>): void {
    this.#domains.set(answers);
  }

  /** Declares the DNS answers complete: a name without an answer has no addresses. */
  markDomainsKnown(): void {
    if (this.#domains.known) return;
    this.#domains.known = true;
    this.#results.knowledgeChanged();
    this.#subjects.allChanged();
  }

  /**
   * The identity of an end: of the address (16 bytes at `offset` of `addresses`), and of the pod that holds it, if
   * one does. Pods on the host's network do not hold their address; their node does. Without an address, what
   * depends on it stays open.
   */
  identify(addresses: Uint8Array | undefined, offset = 0, pod?: PolicyPod): number {
    if (!addresses) this.#addressesOpen = true;
    const { all } = this.#endpoints;
    const before = all.length;
    const endpoint = this.#endpoints.intern(addresses, offset, pod);
    if (all.length > before) this.#subjects.add(endpoint);
    return endpoint.id;
  }

  /**
   * The number of the result for a connection. `port` is the destination's, or type × 256 + code for ICMP and
   * ICMPv6; NOT_KNOWN where it is not known, as for `sourcePort`.
   */
  evaluate(
    source: number,
    destination: number,
    protocol: number,
    port: number,
    sourcePort: number,
    relation: Relation = UNRELATED,
  ): number {
    return this.#results.evaluate(source, destination, protocol, port, sourcePort, relation);
  }

  /** The verdict of a number that {@link evaluate} gave; allocates nothing, unlike {@link result}. */
  verdict(number: number): Verdict {
    return this.#results.verdict(number);
  }

  /** Whether any policy was consulted for a number that {@link evaluate} gave; allocates nothing. */
  hasTrace(number: number): boolean {
    return this.#results.hasTrace(number);
  }

  /** The result of a number that {@link evaluate} gave since the last {@link trim} that started afresh. */
  result(number: number): PolicyResult {
    return this.#results.get(number);
  }

  /** What an identity's traffic of one direction goes through, in order; undefined if no policy governs it. */
  program(identity: number, direction: Direction): Program | undefined {
    const endpoint = this.#endpoints.all[identity];
    return endpoint && this.#subjects.programOf(endpoint, direction);
  }

  /**
   * Policies of a node's host endpoints that also act on what the node forwards, to and from its pods; they are
   * no part of any result.
   */
  forwardPolicies(node: string): { host: string; policy: string }[] {
    const policies = this.#policies.tiers
      .flatMap((tier) => tier.policies)
      .filter(({ host, staged }) => host !== 'local' && !staged);
    return this.#entities
      .hostsOf(node)
      .flatMap((host) =>
        policies
          .filter(({ subject }) => appliesTo(subject, undefined, host))
          .map(({ reference }) => ({ host: host.name, policy: reference })),
      );
  }

  /** The tiers and their policies, in the order of evaluation. */
  get tiers(): readonly CompiledTier[] {
    return this.#policies.tiers;
  }

  /** The address prefixes that policies, network sets and nodes tell apart. */
  get addressPrefixes(): readonly AddressPrefix[] {
    return this.#facts.prefixes();
  }

  /** The names of tiers that policies name though there is no such tier; they come last. */
  get missingTiers(): readonly string[] {
    return this.#policies.missingTiers;
  }

  /** How much is held: for metrics. */
  get sizes(): {
    policies: number;
    workloads: number;
    identities: number;
    results: number;
    cacheBytes: number;
  } {
    return {
      policies: this.#policies.size,
      workloads: this.#workloads.count,
      identities: this.#endpoints.all.length,
      results: this.#results.size,
      cacheBytes: this.#cache.bytes,
    };
  }

  /**
   * Starts identities and results afresh if there are very many, as after long churn. Call it when no number of
   * either is held; returns whether it did.
   */
  trim(): boolean {
    const { identities, results } = this.sizes;
    if (identities <= this.#maximumIdentities && results <= MAX_RESULTS) return false;
    this.#workloads.forget();
    this.#facts.forgetClasses();
    this.#entities.forgetClasses();
    this.#endpoints = new Endpoints(this.#facts, this.#workloads, this.#entities);
    this.#subjects = new ProgramIndex(this.#policies);
    this.#cache.clear();
    this.#results = this.#noResults();
    this.#ownGeneration++;
    return true;
  }

  #noResults(): ResultLookup {
    return new ResultLookup(this.#cache, {
      ...{ endpoints: this.#endpoints, subjects: this.#subjects },
      ...{ domains: this.#domains, entities: this.#entities },
    });
  }

  #policiesChanged(changed: readonly CompiledPolicy[]): void {
    let more = false;
    for (const policy of changed) more = this.#policies.dependencies.add(policy) || more;
    if (more) this.#lookAtMore();
    this.#subjects.policiesChanged(changed);
  }

  /** Policies look at more of endpoints than they did: identities must be told apart again. */
  #lookAtMore(): void {
    this.#workloads.invalidate();
    this.#ownGeneration++;
  }

  /** Network sets count through facts of addresses, except where names' or an end's addresses are not known. */
  #networkSetsChanged(): void {
    this.#results.knowledgeChanged();
    if (!this.#domains.known || this.#addressesOpen) this.#subjects.allChanged();
  }
}
