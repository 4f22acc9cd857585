import { inPrefix, ipOf, isNamedPort, labelsMatch, namespaceLabels } from './basics.js';
import { networkPolicyVerdict } from './kubernetes.js';
import type {
  AdminPeer,
  AdminPortMatch,
  AdminRule,
  AdminSpec,
  Connection,
  Pod,
  Verdict,
  Snapshot,
} from './snapshot.js';

type Direction = 'ingress' | 'egress';

/** Admin policies, then network policies, then baseline policies, then allow. */
export function adminVerdict(
  snapshot: Snapshot,
  pod: Pod,
  direction: Direction,
  connection: Connection,
): Verdict {
  return (
    tierVerdict(snapshot, 'Admin', pod, direction, connection) ??
    networkPolicyVerdict(snapshot, pod, direction, connection) ??
    tierVerdict(snapshot, 'Baseline', pod, direction, connection) ??
    'allow'
  );
}

/** The decision of one tier: that of the first matching rule by priority; undefined if none matches or it passes. */
export function tierVerdict(
  snapshot: Snapshot,
  tier: 'Admin' | 'Baseline',
  pod: Pod,
  direction: Direction,
  connection: Connection,
): Verdict | undefined {
  const policies = snapshot.policies
    .flatMap((policy) => (policy.api === 'admin' ? [policy] : []))
    .filter(({ kind, spec }) => (kind === 'ClusterNetworkPolicy' ? spec.tier : tierOfKind(kind)) === tier)
    .filter(({ spec }) => isSubject(snapshot, spec, pod))
    .sort((a, b) => (a.spec.priority ?? 0) - (b.spec.priority ?? 0));
  for (const { spec } of policies) {
    for (const rule of spec[direction] ?? []) {
      const action = ruleAction(snapshot, rule, direction, connection);
      if (action === 'Pass') return undefined;
      if (action) return action === 'Deny' ? 'deny' : 'allow';
    }
  }
  return undefined;
}

function tierOfKind(kind: string): string {
  return kind === 'AdminNetworkPolicy' ? 'Admin' : 'Baseline';
}

function isSubject(snapshot: Snapshot, { subject }: AdminSpec, pod: Pod): boolean {
  return peerMatches(snapshot, subject, pod);
}

/** The action of a rule if it matches the connection; unknown peers fail closed. */
function ruleAction(
  snapshot: Snapshot,
  rule: AdminRule,
  direction: Direction,
  connection: Connection,
): string | undefined {
  const peers = (direction === 'ingress' ? rule.from : rule.to) ?? [];
  const unknown = peers.some(({ namespaces, pods, networks }) => !namespaces && !pods && !networks);
  if (unknown) return rule.action === 'Deny' || rule.action === 'Pass' ? 'Deny' : undefined;
  const other = direction === 'ingress' ? connection.from : connection.to;
  return peers.some((peer) => peerMatches(snapshot, peer, other)) && portMatches(rule, connection)
    ? rule.action
    : undefined;
}

function peerMatches(
  snapshot: Snapshot,
  { namespaces, pods, networks }: AdminPeer,
  end: Pod | string,
): boolean {
  if (networks) return networks.some((cidr) => inPrefix(ipOf(end), cidr));
  if (typeof end === 'string') return false;
  const labels = namespaceLabels(snapshot, end.namespace);
  if (namespaces) return labelsMatch(namespaces, labels);
  return (
    pods !== undefined &&
    labelsMatch(pods.namespaceSelector, labels) &&
    labelsMatch(pods.podSelector, end.labels)
  );
}

function portMatches({ ports, protocols }: AdminRule, connection: Connection): boolean {
  if (ports) {
    return ports.some(({ portNumber, portRange, namedPort }) => {
      if (namedPort !== undefined) return isNamedPort(connection, namedPort);
      const { protocol = '', port = -1 } = portNumber ?? {};
      if (portNumber) return protocol === connection.protocol && port === connection.port;
      return portRange?.protocol === connection.protocol && within(connection.port, { range: portRange });
    });
  }
  if (protocols) {
    return protocols.some(({ tcp, udp, destinationNamedPort }) => {
      if (destinationNamedPort !== undefined) return isNamedPort(connection, destinationNamedPort);
      const match = connection.protocol === 'TCP' ? tcp : connection.protocol === 'UDP' ? udp : undefined;
      return match !== undefined && within(connection.port, match.destinationPort);
    });
  }
  return true;
}

function within(port: number, { number, range }: AdminPortMatch): boolean {
  if (range) return port >= range.start && port <= range.end;
  return port === number;
}
