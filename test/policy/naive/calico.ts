import { tierVerdict } from './admin.js';
import { expressionMatches, inPrefix, ipOf, isV6, labelsMatch, namespaceLabels } from './basics.js';
import { admits, typesOf } from './kubernetes.js';
import type {
  CalicoEntity,
  CalicoRule,
  CalicoSpec,
  Connection,
  Expression,
  Labels,
  Pod,
  Policy,
  Tier,
  Verdict,
  Snapshot,
} from './snapshot.js';

type Direction = 'ingress' | 'egress';
type Decision = 'allow' | 'deny' | 'pass';

/** A policy with its position in a tier: its decision is undefined if no rule matches. */
interface Member {
  readonly order: number;
  readonly sortName: string;
  readonly decide: () => Decision | undefined;
}

/** Calico's tiers, including Kubernetes policies; connections of pods that all tiers pass are allowed. */
export function calicoVerdict(
  snapshot: Snapshot,
  pod: Pod,
  direction: Direction,
  connection: Connection,
  staged: boolean,
): Verdict {
  const builtIn: Tier[] = [
    { name: 'kube-admin', order: 1_000, defaultAction: 'Pass' },
    { name: 'default', order: 1_000_000, defaultAction: 'Deny' },
    { name: 'kube-baseline', order: 10_000_000, defaultAction: 'Pass' },
  ];
  const place = ({ order = Infinity }: Tier) => order;
  const tiers = [...snapshot.tiers, ...builtIn].sort((a, b) =>
    place(a) === place(b) ? (a.name < b.name ? -1 : 1) : place(a) - place(b),
  );
  for (const { name, defaultAction } of tiers) {
    if (name.startsWith('kube-')) {
      const tier = name === 'kube-admin' ? 'Admin' : 'Baseline';
      const verdict = tierVerdict(snapshot, tier, pod, direction, connection);
      if (verdict) return verdict;
      continue;
    }
    const members = membersOf(snapshot, name, pod, direction, connection, staged);
    if (members.length === 0) continue;
    members.sort((a, b) => (a.order === b.order ? (a.sortName < b.sortName ? -1 : 1) : a.order - b.order));
    const decision = members.map(({ decide }) => decide()).find((found) => found !== undefined);
    const final = decision ?? (defaultAction === 'Deny' ? 'deny' : 'pass');
    if (final !== 'pass') return final;
  }
  return 'allow';
}

function membersOf(
  snapshot: Snapshot,
  tier: string,
  pod: Pod,
  direction: Direction,
  connection: Connection,
  staged: boolean,
): Member[] {
  return snapshot.policies.flatMap((policy): Member[] => {
    if (policy.api === 'kubernetes') {
      const selected = policy.namespace === pod.namespace && labelsMatch(policy.spec.podSelector, pod.labels);
      if (tier !== 'default' || !selected || !typesOf(policy.spec).includes(direction)) return [];
      const decide = () => (admits(snapshot, policy, direction, connection) ? 'allow' : undefined);
      return [
        { order: 1000, sortName: `${policy.name}/${policy.namespace}/KubernetesNetworkPolicy`, decide },
      ];
    }
    if (policy.api !== 'calico' || (policy.spec.tier ?? 'default') !== tier) return [];
    if (policy.kind.startsWith('Staged') && !staged) return [];
    if (!directionsOf(policy.spec).includes(direction) || !applies(snapshot, policy, pod)) return [];
    return [
      {
        order: policy.spec.order ?? Infinity,
        sortName: `${policy.name}/${policy.namespace}/${policy.kind}`,
        decide: () => decide(snapshot, policy.spec[direction] ?? [], policy.namespace, connection),
      },
    ];
  });
}

function decide(
  snapshot: Snapshot,
  rules: readonly CalicoRule[],
  namespace: string,
  connection: Connection,
): Decision | undefined {
  for (const rule of rules) {
    if (rule.action === 'Log' || !ruleMatches(snapshot, rule, namespace, connection)) continue;
    return rule.action === 'Allow' ? 'allow' : rule.action === 'Deny' ? 'deny' : 'pass';
  }
  return undefined;
}

function directionsOf({ types, ingress = [], egress = [] }: CalicoSpec): Direction[] {
  if (types) return types.map((type) => (type === 'Ingress' ? 'ingress' : 'egress'));
  if (egress.length === 0) return ['ingress'];
  return ingress.length > 0 ? ['ingress', 'egress'] : ['egress'];
}

function applies(snapshot: Snapshot, policy: Extract<Policy, { api: 'calico' }>, pod: Pod): boolean {
  const { selector, namespaceSelector, serviceAccountSelector } = policy.spec;
  if (policy.namespace !== '' && policy.namespace !== pod.namespace) return false;
  return (
    (!selector || expressionMatches(selector, podLabels(pod))) &&
    (!namespaceSelector || expressionMatches(namespaceSelector, inheritedLabels(snapshot, pod.namespace))) &&
    (!serviceAccountSelector || expressionMatches(serviceAccountSelector, accountLabels(pod)))
  );
}

/** A pod's labels for selectors, without those for namespace selectors only. */
function podLabels(pod: Pod): Labels {
  return {
    ...pod.labels,
    'projectcalico.org/namespace': pod.namespace,
    'projectcalico.org/orchestrator': 'k8s',
    'projectcalico.org/serviceaccount': pod.serviceAccount,
  };
}

function inheritedLabels(snapshot: Snapshot, namespace: string): Labels {
  return { ...namespaceLabels(snapshot, namespace), 'projectcalico.org/name': namespace };
}

function accountLabels(pod: Pod): Labels {
  return { 'projectcalico.org/name': pod.serviceAccount };
}

function ruleMatches(
  snapshot: Snapshot,
  rule: CalicoRule,
  namespace: string,
  connection: Connection,
): boolean {
  const v6 = isV6(ipOf(connection.to));
  if (rule.ipVersion !== undefined && (rule.ipVersion === 6) !== v6) return false;
  if (rule.protocol !== undefined && rule.protocol !== connection.protocol) return false;
  if (rule.notProtocol !== undefined && rule.notProtocol === connection.protocol) return false;
  return (
    entityMatches(
      snapshot,
      rule.source ?? {},
      namespace,
      connection.from,
      connection.sourcePort,
      connection.protocol,
    ) &&
    entityMatches(
      snapshot,
      rule.destination ?? {},
      namespace,
      connection.to,
      connection.port,
      connection.protocol,
    )
  );
}

function entityMatches(
  snapshot: Snapshot,
  entity: CalicoEntity,
  namespace: string,
  end: Pod | string,
  port: number,
  protocol: string,
): boolean {
  const { selector, notSelector, namespaceSelector, serviceAccounts, nets, notNets, ports, notPorts } =
    entity;
  const ip = ipOf(end);
  const sameFamily = (cidr: string) => isV6(cidr) === isV6(ip);
  if (nets && !nets.some((cidr) => inPrefix(ip, cidr))) return false;
  if (notNets && (!notNets.some(sameFamily) || notNets.some((cidr) => inPrefix(ip, cidr)))) return false;
  if (ports && !ports.some((own) => portMatches(own, end, port, protocol))) return false;
  if (notPorts?.some((own) => portMatches(own, end, port, protocol))) return false;
  const owners = ownersOf(snapshot, end);
  if (notSelector && owners.some(({ labels }) => expressionMatches(notSelector, labels))) return false;
  const asks = selector ?? notSelector ?? serviceAccounts;
  if (!namespaceSelector && !selector && !serviceAccounts && !(notSelector && namespace !== '')) return true;
  return owners.some((owner) => {
    if (selector && !expressionMatches(selector, owner.labels)) return false;
    if (serviceAccounts && !accountMatches(serviceAccounts, owner)) return false;
    if (namespaceSelector) return namespaceMatches(snapshot, namespaceSelector, owner);
    return namespace === '' || !asks || owner.namespace === namespace;
  });
}

/** All pods and network sets that contain the address. */
interface Owner {
  readonly labels: Labels;
  readonly namespace: string;
  readonly pod: Pod | undefined;
}

function ownersOf(snapshot: Snapshot, end: Pod | string): Owner[] {
  const sets = snapshot.sets.filter(({ nets }) => nets.some((cidr) => inPrefix(ipOf(end), cidr)));
  const owners = sets.map(({ labels, namespace }): Owner => {
    const automatic = namespace === '' ? {} : { 'projectcalico.org/namespace': namespace };
    return { labels: { ...labels, ...automatic }, namespace, pod: undefined };
  });
  if (typeof end === 'string') return owners;
  return [{ labels: podLabels(end), namespace: end.namespace, pod: end }, ...owners];
}

function namespaceMatches(snapshot: Snapshot, selector: Expression, owner: Owner): boolean {
  if (selector[0] === 'global') return owner.namespace === '';
  if (owner.namespace === '') return matchesNoNamespace(selector);
  return expressionMatches(selector, inheritedLabels(snapshot, owner.namespace));
}

/** Endpoints without a namespace have no namespace labels; `all()` means all namespaces. */
function matchesNoNamespace(selector: Expression): boolean {
  const [operator, first, second] = selector;
  if (operator === 'all') return false;
  if (operator === '!') return !matchesNoNamespace(first);
  if (operator === '&&') return matchesNoNamespace(first) && matchesNoNamespace(second);
  if (operator === '||') return matchesNoNamespace(first) || matchesNoNamespace(second);
  return expressionMatches(selector, {});
}

function accountMatches(
  { names, selector }: NonNullable<CalicoEntity['serviceAccounts']>,
  { pod }: Owner,
): boolean {
  if (names && names.length > 0 && !(pod && names.includes(pod.serviceAccount))) return false;
  return !selector || expressionMatches(selector, pod ? accountLabels(pod) : {});
}

function portMatches(own: number | string, end: Pod | string, port: number, protocol: string): boolean {
  if (typeof own === 'number') return own === port;
  const [from, to] = own.split(':').map(Number);
  if (from !== undefined && to !== undefined) return port >= from && port <= to;
  return (
    typeof end !== 'string' &&
    end.ports.some((named) => named.name === own && named.port === port && named.protocol === protocol)
  );
}
