import { parseLabels } from '../preview/snapshot-pods.js';
import { isIcmp } from '../../net/protocol.js';
import { behindService, type KnownServices, NO_SERVICES } from './behind-services.js';
import {
  type Evidence,
  type ObservedEnd,
  type ObservedFlow,
  oriented,
  type SelectingName,
  together,
} from './observed.js';
import { prefixesOf } from './prefixes.js';
import { WorkloadSelectors } from './workload-selectors.js';

/** What a workload may do: all that was seen of it, and nothing else. */
export interface SuggestedPolicy {
  readonly namespace: string;
  readonly workload: string;
  /** The labels that select its pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Other workloads whose pods the labels select too, since theirs do not tell them apart. */
  readonly alsoSelects: readonly string[];
  readonly ingress: readonly SuggestedRule[];
  readonly egress: readonly SuggestedRule[];
}

/** Allows connections with one peer. */
export interface SuggestedRule {
  readonly peer: SuggestedPeer;
  readonly ports: readonly SuggestedPort[];
  /** Whether the ports were too many to list, and are now ranges that hold them. */
  readonly portsWidened: boolean;
  /** Services to whose addresses flows went that it is for: their servers are known by what the services select. */
  readonly services: readonly SelectingName[];
  readonly evidence: Evidence;
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
      /** Its addresses that were seen, for policies that know no network sets. */
      readonly prefixes: readonly string[];
      readonly widened: boolean;
    }
  | {
      readonly is: 'domain';
      readonly domain: string;
      /** Its addresses that were seen, for policies that know no domains. */
      readonly prefixes: readonly string[];
      readonly widened: boolean;
    }
  | {
      readonly is: 'addresses';
      /** Who holds the addresses, if that is known: nodes. */
      readonly names: readonly string[];
      readonly prefixes: readonly string[];
      /** Whether the addresses were too many to list, and the prefixes hold more than were seen. */
      readonly widened: boolean;
    };

/** Ports of a protocol from one to another, or for ICMP type × 256 + code; protocols without ports have 0. */
export interface SuggestedPort {
  readonly protocol: number;
  readonly from: number;
  readonly to: number;
}

/** Flows that no rule was made for. */
export interface NotCovered {
  readonly reason: string;
  readonly evidence: Evidence;
}

/** Ports of one protocol that a rule names at most. */
const MAX_PORTS = 12;

/** What is suggested, and the flows that it does not stand for. */
export interface SuggestedPolicies {
  readonly policies: readonly SuggestedPolicy[];
  readonly notCovered: readonly NotCovered[];
}

/** Flows that are learned from in one go. */
const AT_ONCE = 1000;

/** What {@link learnPolicies} suggests, at once. */
export function suggestPolicies(
  namespace: string,
  flows: readonly ObservedFlow[],
  services: KnownServices = NO_SERVICES,
): SuggestedPolicies {
  const learning = learnPolicies(namespace, flows, services);
  for (;;) {
    const step = learning.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Suggests the least that must be allowed for the pods of a namespace to do what they were seen to do: a policy for each
 * workload, with a rule for each peer. `flows` are those that are to stay allowed; of those that went to the address of
 * a service, `services` tells who stood behind it. Pauses after each some hundred flows, and after
 * each policy, so that others can have their turn.
 */
export function* learnPolicies(
  namespace: string,
  flows: readonly ObservedFlow[],
  services: KnownServices,
): Generator<undefined, SuggestedPolicies> {
  const selectors = new WorkloadSelectors();
  const notCovered = new Map<string, Evidence>();
  const drafts = new Map<string, Draft>();
  for (const { end } of services.pods) selectors.add(end);
  let learned = 0;
  for (const flow of flows.map(oriented)) {
    const ended = endsOf(flow, services);
    if (typeof ended === 'string') notCovered.set(ended, together(notCovered.get(ended), flow.traffic));
    for (const one of typeof ended === 'string' ? [] : ended) {
      const { src, dst } = one;
      selectors.add(src);
      selectors.add(dst);
      if (isOf(namespace, dst)) draftOf(drafts, dst.name).add('ingress', src, one);
      if (isOf(namespace, src)) draftOf(drafts, src.name).add('egress', dst, one);
      // A flow to a service counts for each kind of pod behind it.
      if (++learned % AT_ONCE === 0) yield;
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
    // In an order, so that the same question has the same answer.
    notCovered: [...notCovered]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([reason, evidence]) => ({ reason, evidence })),
  };
}

/** The flow, or those that it may have been at the pods behind a service; a text says why no rule can stand for it. */
function endsOf(flow: ObservedFlow, services: KnownServices): readonly ObservedFlow[] | string {
  const reason = whyNot(flow.src);
  if (reason !== undefined) return reason;
  if (flow.dst.kind === 'service') return behindService(flow, services);
  return whyNot(flow.dst) ?? [flow];
}

function isOf(namespace: string, end: ObservedEnd): boolean {
  return end.kind === 'pod' && end.namespace === namespace;
}

function whyNot({ kind, namespace, labels }: ObservedEnd): string | undefined {
  if (kind === 'service') return 'their beginning was not seen, and a service is no client';
  if (kind === 'pod' && namespace === '') return 'the pod at the other end may not be seen';
  if (kind === 'pod' && labels === '') return 'a pod has no labels, so that no policy can select it alone';
  return undefined;
}

function draftOf(drafts: Map<string, Draft>, workload: string): Draft {
  const draft = drafts.get(workload) ?? new Draft();
  drafts.set(workload, draft);
  return draft;
}

/** The rules of a workload's policy as they come together. */
class Draft {
  readonly #peers = {
    ingress: new Map<string, PeerDraft>(),
    egress: new Map<string, PeerDraft>(),
  };

  add(direction: 'ingress' | 'egress', end: ObservedEnd, flow: ObservedFlow): void {
    // Addresses go into one rule where they were met on the same port, so that their lists stay apart by port.
    const service = `${flow.protocol} ${flow.port}`;
    const domain = direction === 'egress' && end.kind === 'external' ? flow.domain : '';
    const key =
      end.kind === 'pod' || end.kind === 'network_set'
        ? `${end.kind} ${end.namespace}/${end.name}`
        : domain === ''
          ? `addresses ${service}`
          : `domain ${domain}`;
    const peers = this.#peers[direction];
    const peer = peers.get(key) ?? {
      ...{ end, domain },
      addresses: new Set(),
      names: new Set(),
      ports: new Map(),
      services: new Map(),
      evidence: new Set(),
    };
    peers.set(key, peer);
    peer.addresses.add(end.address);
    if (end.name !== '') peer.names.add(end.name);
    peer.ports.set(service, { protocol: flow.protocol, from: flow.port, to: flow.port });
    if (flow.service) peer.services.set(flow.service.name, flow.service);
    peer.evidence.add(flow.traffic);
  }

  rules(direction: 'ingress' | 'egress', selectors: WorkloadSelectors): SuggestedRule[] {
    return [...this.#peers[direction]]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, { end, domain, addresses, names, ports, services, evidence }]) => {
        const [first, ...others] = evidence;
        if (!first) return [];
        const listed = [...ports.values()].sort((a, b) => a.protocol - b.protocol || a.from - b.from);
        const few = fewPorts(listed);
        return {
          peer: peerOf(end, domain, [...addresses], [...names].sort(), selectors),
          ports: few,
          portsWidened: few.length < listed.length,
          services: [...services.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
          evidence: others.reduce(together, first),
        };
      });
  }
}

interface PeerDraft {
  readonly end: ObservedEnd;
  /** Empty if the peer is not known by a domain name. */
  readonly domain: string;
  readonly addresses: Set<string>;
  readonly names: Set<string>;
  readonly ports: Map<string, SuggestedPort>;
  /** By `namespace/name`. */
  readonly services: Map<string, SelectingName>;
  /** Of each flow once, though a flow to a service may stand for several ports. */
  readonly evidence: Set<Evidence>;
}

function peerOf(
  end: ObservedEnd,
  domain: string,
  addresses: readonly string[],
  names: readonly string[],
  selectors: WorkloadSelectors,
): SuggestedPeer {
  const { kind, namespace, name } = end;
  if (kind === 'pod') {
    return { is: 'workload', namespace, workload: name, labels: selectors.of(namespace, name).labels };
  }
  const listed = prefixesOf(addresses);
  if (kind === 'network_set' && end.labels !== '') {
    return { is: 'networkSet', namespace, name, labels: parseLabels(end.labels), ...listed };
  }
  return domain === '' ? { is: 'addresses', names, ...listed } : { is: 'domain', domain, ...listed };
}

/** Ports as they are, or where one protocol has too many a range that holds them. */
function fewPorts(ports: readonly SuggestedPort[]): SuggestedPort[] {
  return [...new Set(ports.map(({ protocol }) => protocol))].flatMap((protocol) => {
    const own = ports.filter((port) => port.protocol === protocol);
    const [first] = own;
    const last = own.at(-1);
    if (own.length <= MAX_PORTS || isIcmp(protocol) || !first || !last) return own;
    return [{ protocol, from: first.from, to: last.to }];
  });
}
