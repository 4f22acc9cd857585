import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { UDP } from '@sonde/model/net/protocol';
import type { Conversation, SyntheticCluster, Workload } from './cluster.js';

const CREATED = '2026-02-01T00:00:00Z';
const CALICO = 'projectcalico.org/v3';

/**
 * The Kubernetes objects of a synthetic cluster. Policies are in three tiers: `security` denies traffic to bad networks and
 * passes the rest, `platform` allows DNS for each namespace and passes the rest, and `default` contains a NetworkPolicy for
 * every server workload, which allows only its clients, and a staged policy for each tenth of them.
 */
export function manifestsOf(cluster: SyntheticCluster): KubernetesObject[] {
  const { namespaces, nodes, workloads } = cluster;
  return [
    ...[...namespaces, 'kube-system', 'monitoring'].map((name, number) =>
      object('v1', 'Namespace', { name, labels: { team: `team-${number % 20}` } }),
    ),
    ...nodes.map(({ name, address }, number) =>
      object(
        ...(['v1', 'Node', { name, labels: { 'topology.kubernetes.io/zone': zone(number) } }] as const),
        { status: { addresses: [{ type: 'InternalIP', address }] } },
      ),
    ),
    ...workloads.flatMap((workload) => [
      service(workload),
      endpoints(workload),
      ...pods(workload, cluster.nodes),
    ]),
    ...networkSets(),
    ...securityTier(),
    ...platformTier(namespaces),
    ...networkPolicies(cluster),
  ];
}

type Metadata = KubernetesObject['metadata'];

function object(apiVersion: string, kind: string, metadata: Metadata, rest: object = {}): KubernetesObject {
  return { apiVersion, kind, metadata: { creationTimestamp: CREATED, ...metadata }, ...rest };
}

function labelsOf({ namespace, name }: Workload): Record<string, string> {
  return {
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/part-of': namespace,
    'app.kubernetes.io/version': `v1.${name.length}.3`,
    environment: 'production',
  };
}

function pods(workload: Workload, nodes: SyntheticCluster['nodes']): KubernetesObject[] {
  const { kind, namespace, name, port } = workload;
  const isDeployment = kind === 'Deployment';
  const owner = isDeployment ? `${name}-7c9d8b6f5d` : name;
  return workload.pods.map((pod) =>
    object(
      'v1',
      'Pod',
      {
        ...{ name: pod.name, namespace, uid: `uid-${namespace}-${pod.name}` },
        labels: { ...labelsOf(workload), ...(isDeployment ? { 'pod-template-hash': '7c9d8b6f5d' } : {}) },
        ownerReferences: [{ kind: isDeployment ? 'ReplicaSet' : kind, name: owner, controller: true }],
      },
      {
        spec: {
          nodeName: nodes[pod.node]?.name ?? '',
          serviceAccountName: name,
          containers: [
            { name, ports: [{ name: 'main', containerPort: port, protocol: protocolOf(workload) }] },
          ],
        },
        status: { phase: 'Running', startTime: CREATED, podIPs: [{ ip: pod.address }] },
      },
    ),
  );
}

function service(workload: Workload): KubernetesObject {
  const { namespace, name, serviceAddress, servicePort, port } = workload;
  const ports = [{ name: 'main', protocol: protocolOf(workload), port: servicePort, targetPort: port }];
  const spec = { clusterIPs: [serviceAddress], selector: { 'app.kubernetes.io/name': name }, ports };
  return object('v1', 'Service', { namespace, name }, { spec });
}

function endpoints(workload: Workload): KubernetesObject {
  const { namespace, name, port } = workload;
  const labels = { 'kubernetes.io/service-name': name };
  return object(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { namespace, name: `${name}-1`, labels },
    {
      addressType: 'IPv4',
      ports: [{ name: 'main', port, protocol: protocolOf(workload) }],
      endpoints: workload.pods.map(({ address }) => ({ addresses: [address] })),
    },
  );
}

/** Forty network sets of up to 200 networks, which contain a third of the external hosts. */
function networkSets(): KubernetesObject[] {
  return Array.from({ length: 40 }, (_, set) => {
    const metadata = { name: `set-${set}`, labels: { reputation: set % 10 === 0 ? 'bad' : 'good' } };
    const nets = Array.from({ length: 20 + set * 4 }, (_, net) =>
      set % 2 === 0
        ? `198.51.100.${(set * 7 + net) & 255}/32`
        : `2001:db8:${(set * 40 + net * 3).toString(16)}::/48`,
    );
    return object(CALICO, 'GlobalNetworkSet', metadata, { spec: { nets } });
  });
}

function securityTier(): KubernetesObject[] {
  const toBad = { action: 'Deny', destination: { selector: "reputation == 'bad'" } };
  const fromBad = { action: 'Deny', source: { selector: "reputation == 'bad'" } };
  const all = "projectcalico.org/namespace != 'kube-system'";
  return [
    object(CALICO, 'Tier', { name: 'security' }, { spec: { order: 100 } }),
    globalPolicy(
      'security.quarantine',
      10,
      "quarantine == 'true'",
      [{ action: 'Deny' }],
      [{ action: 'Deny' }],
    ),
    globalPolicy('security.reputation', 20, all, [fromBad, { action: 'Pass' }], [toBad, { action: 'Pass' }]),
    globalPolicy('security.system', 30, '', [{ action: 'Pass' }], [{ action: 'Pass' }]),
  ];
}

function globalPolicy(
  name: string,
  order: number,
  selector: string,
  ingress: readonly object[],
  egress: readonly object[],
): KubernetesObject {
  const [tier = ''] = name.split('.');
  const spec = {
    tier,
    order,
    types: ['Ingress', 'Egress'],
    ingress,
    egress,
    ...(selector === '' ? {} : { selector }),
  };
  return object(CALICO, 'GlobalNetworkPolicy', { name }, { spec });
}

function platformTier(namespaces: readonly string[]): KubernetesObject[] {
  const isDns = { selector: "app.kubernetes.io/name == 'coredns'", namespaceSelector: 'all()', ports: [53] };
  const egress = [{ action: 'Allow', protocol: 'UDP', destination: isDns }, { action: 'Pass' }];
  return [
    object(CALICO, 'Tier', { name: 'platform' }, { spec: { order: 200, defaultAction: 'Pass' } }),
    ...namespaces.map((namespace) =>
      object(
        CALICO,
        'NetworkPolicy',
        { name: 'platform.egress', namespace },
        { spec: { tier: 'platform', order: 10, types: ['Egress'], egress } },
      ),
    ),
  ];
}

function networkPolicies({ conversations }: SyntheticCluster): KubernetesObject[] {
  const clientsOf = new Map<Workload, Conversation[]>();
  for (const conversation of conversations) {
    const { server } = conversation;
    if (!('pods' in server)) continue;
    clientsOf.set(server, [...(clientsOf.get(server) ?? []), conversation]);
  }
  return [...clientsOf].flatMap(([server, clients], number) => {
    const admitted = clients.filter((one) => one.admitted);
    const ports = [{ port: server.port, protocol: protocolOf(server) }];
    // DNS is allowed for all pods.
    const from =
      server.protocol === UDP ? [{ namespaceSelector: {} }] : admitted.map(({ client }) => peer(client));
    const spec = {
      podSelector: { matchLabels: { 'app.kubernetes.io/name': server.name } },
      policyTypes: ['Ingress'],
      ingress: from.length === 0 ? [] : [{ from, ports }],
    };
    const { namespace, name } = server;
    const policy = object('networking.k8s.io/v1', 'NetworkPolicy', { namespace, name }, { spec });
    return number % 10 === 0 ? [policy, stagedPolicy(server)] : [policy];
  });
}

function peer(client: Conversation['client']): object {
  if (!('pods' in client)) return { ipBlock: { cidr: '2001:db8::/32' } };
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': client.namespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': client.name } },
  };
}

function stagedPolicy({ namespace, name }: Workload): KubernetesObject {
  const spec = {
    ...{ tier: 'platform', order: 5, types: ['Ingress'] },
    selector: `app.kubernetes.io/name == '${name}'`,
    ingress: [{ action: 'Allow', source: { namespaceSelector: "team == 'team-1'" } }, { action: 'Pass' }],
  };
  return object(CALICO, 'StagedNetworkPolicy', { namespace, name: `platform.${name}` }, { spec });
}

function protocolOf({ protocol }: Workload): string {
  return protocol === UDP ? 'UDP' : 'TCP';
}

function zone(node: number): string {
  return `eu-central-1${'abc'.charAt(node % 3)}`;
}
