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
import { isPolicy, isPolicyKind } from './policy-kinds.js';
import type { PolicyResource } from './read-object.js';
import type { PolicyResult } from './evaluate/results.js';
import { ProgramIndex } from './program-index.js';

export interface EvaluatorOptions {
  /** Maximum number of results in the cache. */
  readonly cacheCapacity?: number;
  /** Above this number of identities, {@link PolicyEvaluator.trim} starts over. */
  readonly maxIdentities?: number;
}

/** Names a resource to remove. */
export interface ResourceName {
  readonly kind: PolicyResource['kind'];
  /** Empty for cluster-scoped resources. */
  readonly namespace: string;
  readonly name: string;
}

/** Above this number of results, {@link PolicyEvaluator.trim} starts over. */
const MAX_RESULTS = 1_000_000;

/**
 * Evaluates connections: which policies were consulted, in which order, what each did, and the verdict. Pure:
 * it enforces nothing and reads nothing.
 *
 * Usage:
 * 1. Load the cluster: {@link apply} the resources that `readPolicyObject` returns for policies, tiers, network sets
 *    and host endpoints, and call `set…` for everything else that policies depend on. In any order, at any time.
 * 2. {@link identify} each endpoint once. Identities are small integers; cache them until {@link generation} changes.
 * 3. {@link evaluate} connections by identities. A repeated one costs a lookup and allocates nothing.
 * 4. Read {@link result} once per distinct number; `policies` and `pending.policies` are complete strings.
 * 5. Call {@link trim} between batches to keep memory bounded.
 *
 * A connection is evaluated as its first packet, client to server, after destination NAT. Replies have no verdict of
 * their own: connection tracking admits them.
 */
export class PolicyEvaluator {
  readonly #domains: Domains;
  readonly #services: Services;
  readonly #facts = new AddressFacts();
  readonly #policies: CompiledPolicies;
  readonly #cache: ResultCache;
  readonly #maxIdentities: number;
  readonly #workloads: Workloads;
  readonly #entities: Entities;
  #endpoints: Endpoints;
  #subjects: ProgramIndex;
  #results: ResultLookup;
  #ownGeneration = 0;
  /** Whether an endpoint without an address was identified. */
  #addressesOpen = false;
  constructor({ cacheCapacity = 1 << 20, maxIdentities = 500_000 }: EvaluatorOptions = {}) {
    this.#maxIdentities = maxIdentities;
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
    if (isPolicy(resource)) {
      this.#policiesChanged(this.#policies.set(resource));
      return;
    }
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
        this.#dependenciesGrew();
        this.#subjects.allChanged();
        break;
    }
  }

  /** Removes a resource, if it exists. */
  remove({ kind, namespace, name }: ResourceName): void {
    if (isPolicyKind(kind)) {
      this.#policiesChanged(this.#policies.delete(kind, namespace, name));
      return;
    }
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
   * Sets the addresses of many domain names at once; an empty list removes the name. Unlike {@link markDomainsKnown},
   * it does not declare the DNS answers complete.
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
   * The identity of an endpoint: an address (16 bytes at `offset` of `addresses`) and the pod that it belongs to, if
   * any. The address of a pod on the host network belongs to its node. Without an address, conditions on it are
   * undecided.
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

  /** The policies and profiles for one direction of an identity's traffic, in order; undefined if none govern it. */
  program(identity: number, direction: Direction): Program | undefined {
    const endpoint = this.#endpoints.all[identity];
    return endpoint && this.#subjects.programOf(endpoint, direction);
  }

  /**
   * Policies of a node's host endpoints that also apply to traffic that the node forwards to and from its pods. They
   * are not part of any result.
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

  /** The address prefixes that policies, network sets and nodes distinguish. */
  get addressPrefixes(): readonly AddressPrefix[] {
    return this.#facts.prefixes();
  }

  /** Names of tiers that policies refer to but that do not exist; they are evaluated last. */
  get missingTiers(): readonly string[] {
    return this.#policies.missingTiers;
  }

  /** Current sizes, for metrics. */
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
   * Discards all identities and results if there are too many, for example after long churn. Call it only when no
   * identity or result number is in use. Returns whether it discarded them.
   */
  trim(): boolean {
    const { identities, results } = this.sizes;
    if (identities <= this.#maxIdentities && results <= MAX_RESULTS) return false;
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
    let grew = false;
    for (const policy of changed) grew = this.#policies.dependencies.add(policy) || grew;
    if (grew) this.#dependenciesGrew();
    this.#subjects.policiesChanged(changed);
  }

  /** Policies depend on more properties of endpoints than before: endpoints must be identified again. */
  #dependenciesGrew(): void {
    this.#workloads.invalidate();
    this.#ownGeneration++;
  }

  /** Network sets apply through address facts, except where addresses of domains or endpoints are not known. */
  #networkSetsChanged(): void {
    this.#results.knowledgeChanged();
    if (!this.#domains.known || this.#addressesOpen) this.#subjects.allChanged();
  }
}
