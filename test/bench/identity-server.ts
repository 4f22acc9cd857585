import { parentPort } from 'node:worker_threads';
import { collectionPath, WATCHED_RESOURCES } from '@sonde/enricher/watch/resources';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { buildPod } from '../builders/pod.js';
import { FakeApiServer } from '../kubernetes/fake-api-server.js';
import {
  addressOf,
  NODES,
  namespaceOf,
  PODS,
  REPLICAS,
  SERVICES,
  START,
  WORKLOADS,
} from './identity-cluster.js';

/** Old ReplicaSets that a Deployment keeps. */
const FORMER_REPLICA_SETS = 2;
const GLOBAL_POLICIES = 200;

/** A thread that serves the cluster of the identity benchmark and posts its URL. */
const server = new FakeApiServer(
  WATCHED_RESOURCES.flatMap(({ versions, plural }) =>
    versions.slice(0, 1).map((version) => collectionPath(version, plural)),
  ),
);
await server.start();
for (const object of objects()) {
  const resource = WATCHED_RESOURCES.find(
    ({ kind, versions }) => kind === object.kind && versions[0] === object.apiVersion,
  );
  if (!resource) throw new Error(`${object.kind} of ${object.apiVersion} is not watched`);
  server.put(collectionPath(object.apiVersion, resource.plural), object);
}
parentPort?.postMessage(server.url);

function* objects(): Generator<KubernetesObject> {
  for (let index = 0; index < NODES; index++) {
    const labels = { 'topology.kubernetes.io/zone': `zone-${index % 3}`, 'kubernetes.io/os': 'linux' };
    const status = { addresses: [{ type: 'InternalIP', address: `172.31.${index >> 8}.${index & 255}` }] };
    yield object('v1', 'Node', { name: `node-${index}`, labels }, { status });
  }
  const namespaces = new Set(Array.from({ length: WORKLOADS }, (_, workload) => namespaceOf(workload)));
  for (const name of namespaces) {
    const labels = { 'kubernetes.io/metadata.name': name, team: `team-${name.length % 7}` };
    yield object('v1', 'Namespace', { name, labels }, {});
  }
  for (let workload = 0; workload < WORKLOADS; workload++) yield* ofWorkload(workload);
  for (let pod = 0; pod < PODS; pod++) yield podObject(pod);
  for (let index = 0; index < GLOBAL_POLICIES; index++) yield globalPolicy(index);
}

function* ofWorkload(workload: number): Generator<KubernetesObject> {
  const [name, namespace] = [`workload-${workload}`, namespaceOf(workload)];
  const app = { app: name };
  yield object('v1', 'ServiceAccount', { name, namespace }, {});
  for (let revision = 0; revision <= FORMER_REPLICA_SETS; revision++) {
    const ownerReferences = [{ kind: 'Deployment', name, controller: true }];
    yield object(
      'apps/v1',
      'ReplicaSet',
      { name: `${name}-${revision}`, namespace, labels: app, ownerReferences },
      {},
    );
  }
  const ingress = [
    {
      from: [{ podSelector: { matchLabels: { app: `workload-${workload + 1}` } } }],
      ports: [{ port: 8080 }],
    },
  ];
  const policy = { podSelector: { matchLabels: app }, policyTypes: ['Ingress'], ingress };
  yield object('networking.k8s.io/v1', 'NetworkPolicy', { name, namespace }, { spec: policy });
  if (workload >= SERVICES) return;
  const spec = {
    ...{ clusterIPs: [`10.128.${workload >> 8}.${workload & 255}`], selector: app },
    ports: [{ name: 'http', port: 80, targetPort: 8080 }],
  };
  yield object('v1', 'Service', { name, namespace }, { spec });
  const slice = {
    ...{ addressType: 'IPv4', ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
    endpoints: Array.from({ length: REPLICAS }, (_, replica) => ({
      addresses: [addressOf(workload * REPLICAS + replica)],
    })),
  };
  const labels = { 'kubernetes.io/service-name': name };
  yield object('discovery.k8s.io/v1', 'EndpointSlice', { name: `${name}-slice`, namespace, labels }, slice);
}

function podObject(pod: number): KubernetesObject {
  const workload = Math.floor(pod / REPLICAS);
  const name = `workload-${workload}`;
  const built = buildPod({
    ...{ name: `${name}-${FORMER_REPLICA_SETS}-${pod}`, ip: addressOf(pod), startMs: START },
    ...{ node: `node-${pod % NODES}`, labels: { app: name, version: 'v1', tier: `tier-${workload % 3}` } },
  });
  const ownerReferences = [{ kind: 'ReplicaSet', name: `${name}-${FORMER_REPLICA_SETS}`, controller: true }];
  return { ...built, metadata: { ...built.metadata, namespace: namespaceOf(workload), ownerReferences } };
}

function globalPolicy(index: number): KubernetesObject {
  const spec = {
    ...{ tier: 'default', order: index, selector: `tier == 'tier-${index % 3}'`, types: ['Ingress'] },
    ingress: [{ action: 'Deny', source: { nets: [`192.0.2.${index}/32`] } }],
  };
  return object('projectcalico.org/v3', 'GlobalNetworkPolicy', { name: `default.policy-${index}` }, { spec });
}

function object(
  apiVersion: string,
  kind: string,
  metadata: KubernetesObject['metadata'],
  rest: object,
): KubernetesObject {
  const creationTimestamp = new Date(START).toISOString();
  const uid = `${kind}-${metadata.namespace ?? ''}-${metadata.name}`;
  return { apiVersion, kind, metadata: { uid, creationTimestamp, ...metadata }, ...rest };
}
