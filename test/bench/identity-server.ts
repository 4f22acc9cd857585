import { parentPort } from 'node:worker_threads';
import { collectionPath, WATCHED_RESOURCES } from '@sonde/enricher/watch/resources';
import { buildPod } from '../kubernetes/build-pod.js';
import { FakeApiServer } from '../kubernetes/fake-api-server.js';

const PODS = 50_000;
const SERVICES = 5_000;
const NODES = 500;
const START = Date.parse('2026-01-01T00:00:00Z');

/** A thread that serves the cluster of the identity benchmark, and tells where. */
const server = new FakeApiServer(
  WATCHED_RESOURCES.flatMap(({ versions, plural }) =>
    versions.slice(0, 1).map((version) => collectionPath(version, plural)),
  ),
);
await server.start();
for (let index = 0; index < PODS; index++) {
  const pod = buildPod({
    ...{
      name: `workload-${index >> 3}-${index}`,
      ip: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    },
    ...{ startMs: START, node: `node-${index % NODES}`, labels: { app: `workload-${index >> 3}` } },
  });
  server.put('/api/v1/pods', pod);
}
for (let index = 0; index < SERVICES; index++) {
  const metadata = { name: `service-${index}`, namespace: 'shop' };
  const spec = {
    clusterIPs: [`172.16.${index >> 8}.${index & 255}`],
    selector: { app: `workload-${index}` },
    ports: [{ name: 'http', port: 80, targetPort: 8080 }],
  };
  server.put('/api/v1/services', { apiVersion: 'v1', kind: 'Service', metadata, ...{ spec } });
  server.put('/apis/discovery.k8s.io/v1/endpointslices', {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': metadata.name } },
    ...{
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: 8 }, (_, replica) => {
        const pod = index * 8 + replica;
        return { addresses: [`10.${pod >> 16}.${(pod >> 8) & 255}.${pod & 255}`] };
      }),
    },
  });
}
for (let index = 0; index < NODES; index++) {
  const metadata = { name: `node-${index}`, labels: { 'topology.kubernetes.io/zone': `zone-${index % 3}` } };
  const addresses = [{ type: 'InternalIP', address: `172.31.${index >> 8}.${index & 255}` }];
  server.put('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata, ...{ status: { addresses } } });
}
parentPort?.postMessage(server.url);
