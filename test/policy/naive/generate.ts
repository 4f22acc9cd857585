import type { Random } from '../../builders/random-choices.js';
import type {
  AdminPeer,
  AdminRule,
  AdminSpec,
  CalicoEntity,
  CalicoKind,
  CalicoRule,
  Connection,
  Expression,
  LabelSelector,
  Labels,
  NetworkPolicyPeer,
  NetworkPolicyRule,
  Pod,
  Policy,
  Snapshot,
} from './snapshot.js';

/** The policies of a random cluster. */
export type Family = 'kubernetes' | 'admin' | 'calico';

const NAMESPACES = ['a', 'b', 'c'];
const KEYS = ['app', 'env', 'team'];
const VALUES = ['red', 'green', 'blue'];
const PORTS = [80, 81, 443, 8080];
const PORT_NAMES = ['http', 'dns'];
const ACCOUNTS = ['default', 'robot'];
const V4_PREFIXES = [
  '10.0.0.0/8',
  '10.0.0.0/30',
  '10.0.0.4/31',
  '192.0.2.0/24',
  '192.0.2.128/25',
  '0.0.0.0/0',
];
const V6_PREFIXES = ['2001:db8::/32', '2001:db8::4/126', '::/0'];
const EXTERNAL = ['192.0.2.1', '192.0.2.200', '198.51.100.7'];

/** A small random cluster; the smaller, the more often its rules match. */
export function randomSnapshot(random: Random, family: Family): Snapshot {
  const v6 = random.oneIn(5);
  const pods = random
    .some(3, 5, () => randomPod(random))
    .map((pod, index) => ({
      ...pod,
      name: `pod-${index}`,
      ip: v6 ? `2001:db8::${index + 1}` : `10.0.0.${index + 1}`,
    }));
  const policies: Policy[] = random.some(0, 4, () => networkPolicy(random));
  if (family === 'admin') policies.push(...adminPolicies(random));
  if (family === 'calico') {
    policies.push(...random.some(1, 5, () => calicoPolicy(random)));
    if (random.oneIn(3)) policies.push(...adminPolicies(random).filter(isClusterPolicy));
  }
  return {
    namespaces: NAMESPACES.map((name) => ({ name, labels: randomLabels(random) })),
    pods,
    sets:
      family === 'calico'
        ? random
            .some(0, 2, () => ({
              namespace: random.oneIn(2) ? '' : random.pick(NAMESPACES),
              name: 'set',
              labels: randomLabels(random),
              nets: random.some(1, 2, () => random.pick([...V4_PREFIXES, ...V6_PREFIXES].slice(0, -1))),
            }))
            .map((set, index) => ({ ...set, name: `set-${index}` }))
        : [],
    tiers:
      family === 'calico'
        ? [
            {
              name: 'first',
              order: random.pick([10, 20]),
              defaultAction: random.pick(['Deny', 'Pass'] as const),
            },
            { name: 'second', order: 20, defaultAction: 'Pass' },
            { name: 'unordered', defaultAction: random.pick(['Deny', 'Pass'] as const) },
          ]
        : [],
    // Names differ, so that one object does not replace another.
    policies: policies.map((policy, index) =>
      policy.api === 'admin' && policy.kind === 'BaselineAdminNetworkPolicy'
        ? policy
        : { ...policy, name: `${random.pick(['m', 'n'])}-${index}` },
    ),
  };
}

function isClusterPolicy(policy: Policy): boolean {
  return policy.api === 'admin' && policy.kind === 'ClusterNetworkPolicy';
}

/** A random connection; at least one of its ends is a pod. */
export function randomConnection(random: Random, snapshot: Snapshot): Connection {
  const [first] = snapshot.pods;
  const v6 = first?.ip.includes(':') ?? false;
  const external = v6 ? ['2001:db8::ff', '2001:db8:1::1'] : EXTERNAL;
  const pod = random.pick(snapshot.pods);
  const others = snapshot.pods.filter((other) => other !== pod);
  const other = random.oneIn(3) ? random.pick(external) : random.pick(others);
  const [from, to] = random.oneIn(2) ? [pod, other] : [other, pod];
  return {
    from,
    to,
    protocol: random.pick(['TCP', 'TCP', 'UDP', 'SCTP']),
    port: random.pick(PORTS),
    sourcePort: random.pick([1000, 40_000]),
  };
}

function randomPod(random: Random): Pod {
  return {
    namespace: random.pick(NAMESPACES),
    name: '',
    labels: randomLabels(random),
    serviceAccount: random.pick(ACCOUNTS),
    ip: '',
    ports: PORT_NAMES.filter(() => random.oneIn(2)).map((name) => ({
      name,
      protocol: random.pick(['TCP', 'UDP']),
      port: random.pick(PORTS),
    })),
  };
}

function randomLabels(random: Random): Labels {
  return Object.fromEntries(KEYS.filter(() => !random.oneIn(3)).map((key) => [key, random.pick(VALUES)]));
}

export function labelSelector(random: Random): LabelSelector {
  if (random.oneIn(4)) return {};
  if (random.oneIn(2)) return { matchLabels: { [random.pick(KEYS)]: random.pick(VALUES) } };
  const operator = random.pick(['In', 'NotIn', 'Exists', 'DoesNotExist']);
  const values = operator.endsWith('In') ? { values: random.some(1, 2, () => random.pick(VALUES)) } : {};
  return { matchExpressions: [{ key: random.pick(KEYS), operator, ...values }] };
}

function networkPolicy(random: Random): Policy {
  const spec = {
    ...(random.oneIn(8) ? {} : { podSelector: labelSelector(random) }),
    ...(random.oneIn(3) ? {} : { ingress: random.some(0, 3, () => networkPolicyRule(random, 'from')) }),
    ...(random.oneIn(2) ? {} : { egress: random.some(0, 3, () => networkPolicyRule(random, 'to')) }),
    ...(random.oneIn(2)
      ? {}
      : { policyTypes: random.pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']] as const) }),
  };
  return { api: 'kubernetes', namespace: random.pick(NAMESPACES), name: '', spec };
}

function networkPolicyRule(random: Random, peers: 'from' | 'to'): NetworkPolicyRule {
  return {
    ...(random.oneIn(4) ? {} : { [peers]: random.some(0, 2, () => networkPolicyPeer(random)) }),
    ...(random.oneIn(2) ? {} : { ports: random.some(1, 2, () => networkPolicyPort(random)) }),
  };
}

function networkPolicyPeer(random: Random): NetworkPolicyPeer {
  if (random.oneIn(4)) {
    const cidr = random.pick(['10.0.0.0/8', '192.0.2.0/24', '0.0.0.0/0', '2001:db8::/32']);
    const except = V4_PREFIXES.filter((inner) => inner !== cidr && random.oneIn(3));
    const within = {
      '10.0.0.0/8': '10.',
      '192.0.2.0/24': '192.0.2.128',
      '0.0.0.0/0': '1',
      '2001:db8::/32': 'none',
    };
    const start = within[cidr as keyof typeof within];
    return { ipBlock: { cidr, except: except.filter((inner) => inner.startsWith(start)) } };
  }
  const pods = { podSelector: labelSelector(random) };
  const namespaces = { namespaceSelector: labelSelector(random) };
  return random.pick([pods, namespaces, { ...pods, ...namespaces }]);
}

function networkPolicyPort(random: Random): NonNullable<NetworkPolicyRule['ports']>[number] {
  const protocol = random.oneIn(2) ? {} : { protocol: random.pick(['TCP', 'UDP', 'SCTP']) };
  if (random.oneIn(4)) return protocol;
  if (random.oneIn(3)) return { ...protocol, port: random.pick(PORT_NAMES) };
  const port = random.pick(PORTS);
  return { ...protocol, port, ...(random.oneIn(3) ? { endPort: port + random.below(400) } : {}) };
}

/** Admin policies of one version of the API, with priorities that differ. */
function adminPolicies(random: Random): Policy[] {
  const v1alpha1 = random.oneIn(2);
  const priorities = random.shuffled([1, 5, 10, 1000]);
  const policies = random
    .some(1, 3, () => 0)
    .map((_, index): Policy => {
      const priority = priorities[index] ?? 0;
      const tier = random.pick(['Admin', 'Baseline'] as const);
      if (v1alpha1) {
        return {
          api: 'admin',
          kind: 'AdminNetworkPolicy',
          name: '',
          spec: { priority, ...adminSpec(random, 'ports', PASSING) },
        };
      }
      const spec = { tier, priority, ...adminSpec(random, 'protocols', ['Accept', 'Deny', 'Pass']) };
      return { api: 'admin', kind: 'ClusterNetworkPolicy', name: '', spec };
    });
  if (v1alpha1 && random.oneIn(2)) {
    const spec = adminSpec(random, 'ports', ['Allow', 'Deny']);
    policies.push({ api: 'admin', kind: 'BaselineAdminNetworkPolicy', name: 'default', spec });
  }
  return policies;
}

const PASSING = ['Allow', 'Deny', 'Pass'];

function adminSpec(random: Random, ports: 'ports' | 'protocols', actions: readonly string[]): AdminSpec {
  return {
    subject: adminPods(random),
    ingress: random.some(0, 2, () => adminRule(random, 'from', ports, actions)),
    egress: random.some(0, 2, () => adminRule(random, 'to', ports, actions)),
  };
}

function adminPods(random: Random): AdminPeer {
  if (random.oneIn(2)) return { namespaces: labelSelector(random) };
  return { pods: { namespaceSelector: labelSelector(random), podSelector: labelSelector(random) } };
}

function adminRule(
  random: Random,
  peersField: 'from' | 'to',
  portsField: 'ports' | 'protocols',
  actions: readonly string[],
): AdminRule {
  const peers = random.some(1, 2, (): AdminPeer => {
    if (random.oneIn(12)) return { moons: {} };
    const prefixes = () => [
      ...new Set(random.some(1, 2, () => random.pick([...V4_PREFIXES, ...V6_PREFIXES]))),
    ];
    return peersField === 'to' && random.oneIn(3) ? { networks: prefixes() } : adminPods(random);
  });
  const named = peers.every(({ networks }) => !networks) && random.oneIn(3);
  const name = random.pick(PORT_NAMES);
  const port = random.pick(PORTS);
  const range = { start: port, end: port + random.below(400) };
  const ports = named
    ? [{ namedPort: name }]
    : [
        random.oneIn(2)
          ? { portNumber: { protocol: 'TCP', port } }
          : { portRange: { protocol: 'UDP', ...range } },
      ];
  const match = random.oneIn(2) ? { number: port } : { range };
  const protocols = named
    ? [{ destinationNamedPort: name }]
    : [random.oneIn(2) ? { tcp: { destinationPort: match } } : { udp: { destinationPort: match } }];
  return {
    action: random.pick(actions),
    [peersField]: peers,
    ...(random.oneIn(2) ? {} : portsField === 'ports' ? { ports } : { protocols }),
  };
}

function calicoPolicy(random: Random): Policy {
  const kind = random.pick<CalicoKind>([
    'NetworkPolicy',
    'GlobalNetworkPolicy',
    'StagedNetworkPolicy',
    'StagedGlobalNetworkPolicy',
  ]);
  const global = kind.endsWith('GlobalNetworkPolicy');
  const spec = {
    ...(random.oneIn(3) ? {} : { tier: random.pick(['first', 'second', 'unordered', 'default']) }),
    ...(random.oneIn(3) ? {} : { order: random.pick([1, 1000, 2000]) }),
    ...(random.oneIn(4) ? {} : { selector: expression(random) }),
    ...(global && random.oneIn(3) ? { namespaceSelector: expression(random) } : {}),
    ...(random.oneIn(5) ? { serviceAccountSelector: accountSelector(random) } : {}),
    ...(random.oneIn(2)
      ? {}
      : { types: random.pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']] as const) }),
    ingress: random.some(0, 3, () => calicoRule(random)),
    egress: random.some(0, 3, () => calicoRule(random)),
  };
  return { api: 'calico', kind, namespace: global ? '' : random.pick(NAMESPACES), name: '', spec };
}

function calicoRule(random: Random): CalicoRule {
  const protocol = random.oneIn(2) ? {} : { protocol: random.pick(['TCP', 'UDP', 'SCTP']) };
  const numeric = 'protocol' in protocol;
  return {
    action: random.pick(['Allow', 'Allow', 'Deny', 'Pass', 'Log'] as const),
    ...protocol,
    ...(random.oneIn(8) ? { notProtocol: random.pick(['TCP', 'UDP']) } : {}),
    ...(random.oneIn(10) ? { ipVersion: random.pick([4, 6]) } : {}),
    ...(random.oneIn(2) ? {} : { source: calicoEntity(random, numeric) }),
    ...(random.oneIn(2) ? {} : { destination: calicoEntity(random, numeric) }),
  };
}

function calicoEntity(random: Random, numericPorts: boolean): CalicoEntity {
  const ports = () =>
    random.some(1, 2, () =>
      numericPorts ? random.pick([80, '81:500', 'http', 1000]) : random.pick(PORT_NAMES),
    );
  const nets = () => random.some(1, 2, () => random.pick([...V4_PREFIXES, ...V6_PREFIXES]));
  return {
    ...(random.oneIn(3) ? { selector: expression(random) } : {}),
    ...(random.oneIn(5) ? { notSelector: expression(random) } : {}),
    ...(random.oneIn(4)
      ? { namespaceSelector: random.oneIn(4) ? (['global'] as const) : expression(random) }
      : {}),
    ...(random.oneIn(6) ? { serviceAccounts: { names: [random.pick(ACCOUNTS)] } } : {}),
    ...(random.oneIn(10) ? { serviceAccounts: { selector: accountSelector(random) } } : {}),
    ...(random.oneIn(4) ? { nets: nets() } : {}),
    ...(random.oneIn(6) ? { notNets: nets() } : {}),
    ...(random.oneIn(4) ? { ports: ports() } : {}),
    ...(random.oneIn(8) ? { notPorts: ports() } : {}),
  };
}

function accountSelector(random: Random): Expression {
  return random.oneIn(3)
    ? ['has', 'projectcalico.org/name']
    : ['==', 'projectcalico.org/name', random.pick(ACCOUNTS)];
}

export function expression(random: Random, depth = 2): Expression {
  if (depth > 0 && random.oneIn(4)) return ['!', expression(random, depth - 1)];
  if (depth > 0 && random.oneIn(3)) {
    return [random.pick(['&&', '||'] as const), expression(random, depth - 1), expression(random, depth - 1)];
  }
  const key = random.pick(KEYS);
  switch (random.below(6)) {
    case 0:
      return ['all'];
    case 1:
      return ['has', key];
    case 2:
      return [random.pick(['in', 'not in'] as const), key, random.some(0, 2, () => random.pick(VALUES))];
    case 3:
      return [
        random.pick(['contains', 'starts with', 'ends with'] as const),
        key,
        random.pick(['re', 'e', 'green']),
      ];
    default:
      return [random.pick(['==', '!='] as const), key, random.pick(VALUES)];
  }
}
