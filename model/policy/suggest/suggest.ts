import { parseLabels } from '../preview/snapshot-pods.js';
import { isIcmp } from '../../net/protocol.js';
import { flowsToBackends, type ServiceContext, NO_SERVICES } from './service-backends.js';
import {
  type Evidence,
  type ObservedEndpoint,
  type ObservedFlow,
  type ServiceReference,
  mergeEvidence,
} from './observed.js';
import { prefixesOf } from './prefixes.js';
import { WorkloadSelectors } from './workload-selectors.js';

/** A suggestion for a workload: allows exactly the traffic that was observed. */
export interface SuggestedPolicy {
  readonly namespace: string;
  readonly workload: string;
  /** The labels that select its pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Other workloads whose pods the labels also select. */
  readonly alsoSelects: readonly string[];
  readonly ingress: readonly SuggestedRule[];
  readonly egress: readonly SuggestedRule[];
}

/** Allows connections with one peer. */
export interface SuggestedRule {
  readonly peer: SuggestedPeer;
  readonly ports: readonly SuggestedPort[];
  /** Whether there were too many ports to list, so that the ranges contain more than was seen. */
  readonly portsWidened: boolean;
  /** Services that the flows went to; their backends are known by the services' selectors. */
  readonly services: readonly ServiceReference[];
  readonly evidence: Evidence;
  /** The traffic on each port that the evidence consists of. */
  readonly traffic: readonly PortTraffic[];
}

/** Traffic that was observed on a port; for ICMP type × 256 + code. */
export interface PortTraffic {
  readonly protocol: number;
  readonly port: number;
  /** The same object on every port if the flow went to a service with several backend ports. */
  readonly evidence: Evidence;
}

/** The part of a rule for some of its ports, with the evidence of these ports only. */
export function ruleForPorts(rule: SuggestedRule, ports: readonly SuggestedPort[]): SuggestedRule {
  const traffic = rule.traffic.filter(({ protocol, port }) =>
    ports.some((range) => range.protocol === protocol && range.from <= port && port <= range.to),
  );
  return { ...rule, ports, traffic, evidence: sumOf(traffic) ?? rule.evidence };
}

function sumOf(traffic: readonly PortTraffic[]): Evidence | undefined {
  const distinct = new Set(traffic.map(({ evidence }) => evidence));
  return [...distinct].reduce<Evidence | undefined>(mergeEvidence, undefined);
}

export type SuggestedPeer =
  | {
      readonly is: 'workload';
      readonly namespace: string;
      readonly workload: string;
      readonly labels: Readonly<Record<string, string>>;
    }
  | {
      readonly is: 'networkSet';
      /** Empty for a global one. */
      readonly namespace: string;
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Its observed addresses, for policies without network sets. */
      readonly prefixes: readonly string[];
      readonly widened: boolean;
    }
  | {
      readonly is: 'domain';
      readonly domain: string;
      /** Its observed addresses, for policies without domains. */
      readonly prefixes: readonly string[];
      readonly widened: boolean;
    }
  | {
      readonly is: 'addresses';
      /** Names of the nodes with these addresses. */
      readonly names: readonly string[];
      readonly prefixes: readonly string[];
      /** Whether there were too many addresses to list, so that the prefixes contain more than was seen. */
      readonly widened: boolean;
    };

/** A port range of a protocol; for ICMP type × 256 + code; 0 for protocols without ports. */
export interface SuggestedPort {
  readonly protocol: number;
  readonly from: number;
  readonly to: number;
}

/** Flows that no rule covers. */
export interface NotCovered {
  readonly reason: string;
  readonly evidence: Evidence;
}

/** Maximum number of ports of one protocol in a rule. */
const MAX_PORTS = 12;

/** The suggestions, and the flows that they do not cover. */
export interface SuggestedPolicies {
  readonly policies: readonly SuggestedPolicy[];
  readonly notCovered: readonly NotCovered[];
}

/** Flows that are processed before yielding. */
const FLOWS_PER_YIELD = 1000;

/** Runs {@link learnPolicies} to the end. */
export function suggestPolicies(
  namespace: string,
  flows: readonly ObservedFlow[],
  services: ServiceContext = NO_SERVICES,
): SuggestedPolicies {
  const learning = learnPolicies(namespace, flows, services);
  for (;;) {
    const step = learning.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Suggests the minimal policies that allow the observed traffic of a namespace's pods: a policy for each workload, with a
 * rule for each peer. `flows` are the flows to allow; `services` resolves flows to service addresses. Yields after every
 * {@link FLOWS_PER_YIELD} flows and after each policy, so that other work can run.
 */
export function* learnPolicies(
  namespace: string,
  flows: readonly ObservedFlow[],
  services: ServiceContext,
): Generator<undefined, SuggestedPolicies> {
  const selectors = new WorkloadSelectors();
  const notCovered = new Map<string, Evidence>();
  const drafts = new Map<string, Draft>();
  for (const { endpoint } of services.pods) selectors.add(endpoint);
  let learned = 0;
  for (const flow of flows) {
    const resolved = flowsToPods(flow, services);
    if (typeof resolved === 'string')
      notCovered.set(resolved, mergeEvidence(notCovered.get(resolved), flow.traffic));
    for (const one of typeof resolved === 'string' ? [] : resolved) {
      const { src, dst } = one;
      selectors.add(src);
      selectors.add(dst);
      if (isPodOf(namespace, dst)) draftOf(drafts, dst.name).add('ingress', src, one);
      if (isPodOf(namespace, src)) draftOf(drafts, src.name).add('egress', dst, one);
      // A flow to a service counts once per kind of backend.
      if (++learned % FLOWS_PER_YIELD === 0) yield;
    }
  }
  const policies: SuggestedPolicy[] = [];
  for (const [workload, draft] of [...drafts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    policies.push({
      ...{ namespace, workload },
      ...selectors.of(namespace, workload),
      ingress: draft.rules('ingress', selectors),
      egress: draft.rules('egress', selectors),
    });
    yield;
  }
  return {
    policies,
    // Sorted, so that equal queries have equal answers.
    notCovered: [...notCovered]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([reason, evidence]) => ({ reason, evidence })),
  };
}

/** The flow, or the flows to the backends of its service; a string is the reason why no rule can cover it. */
function flowsToPods(flow: ObservedFlow, services: ServiceContext): readonly ObservedFlow[] | string {
  if (flow.guessed) return 'it is only guessed which side is the client';
  const reason = unsupportedReason(flow.src);
  if (reason !== undefined) return reason;
  if (flow.dst.kind === 'service') return flowsToBackends(flow, services);
  return unsupportedReason(flow.dst) ?? [flow];
}

function isPodOf(namespace: string, { kind, namespace: own }: ObservedEndpoint): boolean {
  return kind === 'pod' && own === namespace;
}

function unsupportedReason({ kind, namespace, labels }: ObservedEndpoint): string | undefined {
  if (kind === 'service') return 'the client is a service, which no policy selects';
  if (kind === 'pod' && namespace === '') return 'you may not see the pod at the other end';
  if (kind === 'pod' && labels === '') return 'a pod has no labels, so no policy can select it alone';
  return undefined;
}

function draftOf(drafts: Map<string, Draft>, workload: string): Draft {
  const draft = drafts.get(workload) ?? new Draft();
  drafts.set(workload, draft);
  return draft;
}

/** Collects the rules of a workload's policy. */
class Draft {
  readonly #peers = {
    ingress: new Map<string, PeerDraft>(),
    egress: new Map<string, PeerDraft>(),
  };

  add(direction: 'ingress' | 'egress', endpoint: ObservedEndpoint, flow: ObservedFlow): void {
    // Addresses share a rule if they were seen on the same port, so that the lists stay separate by port.
    const service = `${flow.protocol} ${flow.port}`;
    const domain = direction === 'egress' && endpoint.kind === 'external' ? flow.domain : '';
    const key =
      endpoint.kind === 'pod' || endpoint.kind === 'network_set'
        ? `${endpoint.kind} ${endpoint.namespace}/${endpoint.name}`
        : domain === ''
          ? `addresses ${service}`
          : `domain ${domain}`;
    const peers = this.#peers[direction];
    const peer: PeerDraft = peers.get(key) ?? {
      ...{ endpoint, domain },
      addresses: new Set(),
      names: new Set(),
      ports: new Map(),
      services: new Map(),
      traffic: [],
    };
    peers.set(key, peer);
    peer.addresses.add(endpoint.address);
    if (endpoint.name !== '') peer.names.add(endpoint.name);
    peer.ports.set(service, { protocol: flow.protocol, from: flow.port, to: flow.port });
    if (flow.service) peer.services.set(flow.service.name, flow.service);
    peer.traffic.push({ protocol: flow.protocol, port: flow.port, evidence: flow.traffic });
  }

  rules(direction: 'ingress' | 'egress', selectors: WorkloadSelectors): SuggestedRule[] {
    return [...this.#peers[direction]]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, { endpoint, domain, addresses, names, ports, services, traffic }]) => {
        const evidence = sumOf(traffic);
        if (!evidence) return [];
        const listed = [...ports.values()].sort((a, b) => a.protocol - b.protocol || a.from - b.from);
        const few = limitPorts(listed);
        return {
          peer: peerOf(endpoint, domain, [...addresses], [...names].sort(), selectors),
          ports: few,
          portsWidened: few.length < listed.length,
          services: [...services.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
          ...{ evidence, traffic },
        };
      });
  }
}

interface PeerDraft {
  readonly endpoint: ObservedEndpoint;
  /** Empty if the peer has no domain name. */
  readonly domain: string;
  readonly addresses: Set<string>;
  readonly names: Set<string>;
  readonly ports: Map<string, SuggestedPort>;
  /** By `namespace/name`. */
  readonly services: Map<string, ServiceReference>;
  readonly traffic: PortTraffic[];
}

function peerOf(
  endpoint: ObservedEndpoint,
  domain: string,
  addresses: readonly string[],
  names: readonly string[],
  selectors: WorkloadSelectors,
): SuggestedPeer {
  const { kind, namespace, name } = endpoint;
  if (kind === 'pod') {
    return { is: 'workload', namespace, workload: name, labels: selectors.of(namespace, name).labels };
  }
  const listed = prefixesOf(addresses);
  if (kind === 'network_set' && endpoint.labels !== '') {
    return { is: 'networkSet', namespace, name, labels: parseLabels(endpoint.labels), ...listed };
  }
  return domain === '' ? { is: 'addresses', names, ...listed } : { is: 'domain', domain, ...listed };
}

/** The ports unchanged, or one range for a protocol with too many ports. */
function limitPorts(ports: readonly SuggestedPort[]): SuggestedPort[] {
  return [...new Set(ports.map(({ protocol }) => protocol))].flatMap((protocol) => {
    const own = ports.filter((port) => port.protocol === protocol);
    const [first] = own;
    const last = own.at(-1);
    if (own.length <= MAX_PORTS || isIcmp(protocol) || !first || !last) return own;
    return [{ protocol, from: first.from, to: last.to }];
  });
}
