import { inPrefix, ipOf, isNamedPort, labelsMatch, namespaceLabels } from './basics.js';
import type {
  Connection,
  NetworkPolicyPeer,
  NetworkPolicyRule,
  NetworkPolicySpec,
  Pod,
  Verdict,
  Snapshot,
} from './snapshot.js';

type Direction = 'ingress' | 'egress';
interface Selecting {
  readonly namespace: string;
  readonly spec: NetworkPolicySpec;
}

/** The network policies that isolate a pod in a direction. */
function isolating(snapshot: Snapshot, pod: Pod, direction: Direction): Selecting[] {
  const found: Selecting[] = [];
  for (const policy of snapshot.policies) {
    if (policy.api !== 'kubernetes' || policy.namespace !== pod.namespace) continue;
    if (typesOf(policy.spec).includes(direction) && labelsMatch(policy.spec.podSelector, pod.labels))
      found.push(policy);
  }
  return found;
}

export function typesOf({ policyTypes, egress = [] }: NetworkPolicySpec): Direction[] {
  if (policyTypes) return policyTypes.map((type) => (type === 'Ingress' ? 'ingress' : 'egress'));
  return egress.length > 0 ? ['ingress', 'egress'] : ['ingress'];
}

/** The decision of network policies: an isolated pod needs one matching rule of one policy. Undefined if it is not isolated. */
export function networkPolicyVerdict(
  snapshot: Snapshot,
  pod: Pod,
  direction: Direction,
  connection: Connection,
): Verdict | undefined {
  const policies = isolating(snapshot, pod, direction);
  if (policies.length === 0) return undefined;
  return policies.some((policy) => admits(snapshot, policy, direction, connection)) ? 'allow' : 'deny';
}

export function admits(
  snapshot: Snapshot,
  policy: Selecting,
  direction: Direction,
  connection: Connection,
): boolean {
  const rules = policy.spec[direction] ?? [];
  return rules.some((rule) => ruleMatches(snapshot, rule, policy.namespace, direction, connection));
}

function ruleMatches(
  snapshot: Snapshot,
  rule: NetworkPolicyRule,
  namespace: string,
  direction: Direction,
  connection: Connection,
): boolean {
  const peers = (direction === 'ingress' ? rule.from : rule.to) ?? [];
  const other = direction === 'ingress' ? connection.from : connection.to;
  const peerFits = peers.length === 0 || peers.some((peer) => peerMatches(snapshot, peer, namespace, other));
  const ports = rule.ports ?? [];
  const portFits =
    ports.length === 0 ||
    ports.some(({ protocol = 'TCP', port, endPort }) => {
      if (protocol !== connection.protocol) return false;
      if (port === undefined) return true;
      if (typeof port === 'string') return isNamedPort(connection, port);
      return connection.port >= port && connection.port <= (endPort ?? port);
    });
  return peerFits && portFits;
}

function peerMatches(
  snapshot: Snapshot,
  peer: NetworkPolicyPeer,
  namespace: string,
  other: Pod | string,
): boolean {
  const { ipBlock, podSelector, namespaceSelector } = peer;
  if (ipBlock) {
    const ip = ipOf(other);
    return inPrefix(ip, ipBlock.cidr) && !(ipBlock.except ?? []).some((cidr) => inPrefix(ip, cidr));
  }
  if (typeof other === 'string') return false;
  const inNamespace = namespaceSelector
    ? labelsMatch(namespaceSelector, namespaceLabels(snapshot, other.namespace))
    : other.namespace === namespace;
  return inNamespace && labelsMatch(podSelector, other.labels);
}
