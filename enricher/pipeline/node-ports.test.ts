import { batchOf } from '@sonde/test/builders/batch';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import { flowRow } from '@sonde/model/flow/records';
import { expect, describe, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const NODE = '192.0.2.1';

const object = (kind: string, name: string, rest: object): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind, metadata: { name, ...(kind === 'Node' ? {} : { namespace: 'shop' }) } },
  ...rest,
});

const objects = [
  object('Node', 'node-a', { status: { addresses: [{ type: 'InternalIP', address: NODE }] } }),
  object('Pod', 'exporter', {
    spec: {
      ...{ nodeName: 'node-a', hostNetwork: true },
      containers: [{ ports: [{ containerPort: 9100 }, { containerPort: 53, protocol: 'UDP' }] }],
    },
    status: { phase: 'Running', podIPs: [{ ip: NODE }] },
  }),
  object('Pod', 'proxy', {
    spec: {
      ...{ nodeName: 'node-a', hostNetwork: true },
      containers: [
        { name: 'kube-proxy', command: ['/usr/local/bin/kube-proxy'] },
        { name: 'agent', command: ['/bin/sh'] },
      ],
    },
    status: { phase: 'Running', podIPs: [{ ip: NODE }] },
  }),
  ...['one', 'two'].map((name) =>
    object('Pod', name, {
      spec: {
        nodeName: 'node-a',
        hostNetwork: true,
        containers: [{ name: 'twin' }, { name: `long-named-${name}-agent` }],
      },
      status: { phase: 'Running', podIPs: [{ ip: NODE }] },
    }),
  ),
  object('Pod', 'web', { spec: { nodeName: 'node-a' }, status: { podIPs: [{ ip: '10.0.0.1' }] } }),
  object('Pod', 'ingress', {
    spec: {
      nodeName: 'node-a',
      containers: [
        {
          ports: [
            { containerPort: 8443, hostPort: 443 },
            { containerPort: 8080, hostPort: 8081, hostIP: '127.0.0.1' },
            { containerPort: 9000 },
          ],
        },
      ],
    },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.2' }] },
  }),
  {
    ...{
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'tls', namespace: 'shop' },
    },
    spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 8443 }] }] },
  } as KubernetesObject,
  object('Service', 'web', {
    spec: {
      ...{ type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], externalIPs: ['203.0.113.1'] },
      ports: [{ port: 80, nodePort: 30_080 }],
    },
    status: { loadBalancer: { ingress: [{ ip: '198.51.100.80' }] } },
  }),
];

function flow(row: ObservedFlowRow) {
  const timed = {
    start_time: NOW,
    end_time: NOW,
    src_ip: '198.51.100.1',
    src_port: 40_000,
    protocol: 6,
    ...row,
  };
  const batch = batchOf(observedFlows([timed]));
  const { context, problems } = contextFromObjects(objects);
  expect(problems).toEqual([]);
  return flowRow(enrich([{ batch, partition: 0, offset: 0 }], context).columns, 0);
}

describe('an address of a node', () => {
  it('is the pod on the node’s network that listens on the port, in the port’s protocol', () => {
    expect(flow({ dst_ip: NODE, dst_port: 9100 })).toMatchObject({
      dst_kind: 'host_network_pod',
      dst_namespace: 'shop',
      dst_name: 'exporter',
      dst_node: 'node-a',
    });
    expect(flow({ dst_ip: NODE, dst_port: 53 })).toMatchObject({ dst_kind: 'node', dst_name: 'node-a' });
    expect(flow({ dst_ip: NODE, dst_port: 53, protocol: 17 })).toMatchObject({ dst_name: 'exporter' });
  });

  it('is the pod behind a host port, with the verdict about the port of its container', () => {
    expect(flow({ dst_ip: NODE, dst_port: 443 })).toMatchObject({
      ...{ dst_kind: 'pod', dst_name: 'ingress', dst_node: 'node-a', action: 'allow' },
      policies: '0|default|knp:shop/tls|allow|0',
    });
    expect(flow({ dst_ip: '10.0.0.2', dst_port: 8443 }).action).toBe('allow');
    expect(flow({ dst_ip: '10.0.0.2', dst_port: 443 }).action).toBe('deny');
    for (const dst_port of [8081, 9000]) expect(flow({ dst_ip: NODE, dst_port }).dst_kind).toBe('node');
    expect(flow({ dst_ip: NODE, dst_port: 443, protocol: 17 }).dst_kind).toBe('node');
  });

  it('is the node on any other port', () => {
    expect(flow({ dst_ip: NODE, dst_port: 22 })).toMatchObject({
      ...{ dst_kind: 'node', dst_name: 'node-a', dst_service: '', dst_service_port: 0 },
    });
    expect(flow({ src_ip: NODE, dst_ip: '10.0.0.1', dst_port: 80 }).src_kind).toBe('node');
  });

  it.each([
    ['kube-proxy', 'proxy', 'by its name'],
    ['KUBE_PROXY', 'proxy', 'however that is written'],
    ['long-named-two-', 'two', 'by as much of its name as the kernel keeps'],
  ])('is the pod on the node’s network whose process %s is: %s, %s', (src_process, src_name) => {
    const flowOf = flow({ src_ip: NODE, dst_ip: '10.0.0.1', dst_port: 80, src_process });
    expect(flowOf).toMatchObject({ src_kind: 'host_network_pod', src_name, src_node: 'node-a' });
    expect(flow({ dst_ip: NODE, dst_port: 12_345, dst_process: src_process }).dst_name).toBe(src_name);
  });

  it.each([
    ['sshd', 'no pod runs'],
    ['twin', 'two pods run'],
    ['sh', 'runs others'],
  ])('is the node where its process is one that says nothing: %s, which %s', (src_process) => {
    expect(flow({ src_ip: NODE, dst_ip: '10.0.0.1', dst_port: 80, src_process }).src_kind).toBe('node');
  });

  it('is the service’s on its node port, whether the backend is known or not', () => {
    const service = {
      dst_service: 'web',
      dst_service_namespace: 'shop',
      dst_service_ip: NODE,
      dst_service_port: 30_080,
    };
    const translated = { dst_ip: '10.0.0.1', dst_port: 8080, dst_service_ip: NODE, dst_service_port: 30_080 };
    expect(flow(translated)).toMatchObject({ ...service, dst_kind: 'pod', dst_name: 'web' });
    expect(flow({ dst_ip: NODE, dst_port: 30_080 })).toMatchObject({ ...service, dst_kind: 'node' });
  });
});

it.each(['10.96.0.1', '203.0.113.1', '198.51.100.80'])(
  'a service is known by each of its addresses: %s',
  (address) => {
    const translated = { dst_ip: '10.0.0.1', dst_port: 8080, dst_service_ip: address, dst_service_port: 80 };
    expect(flow(translated)).toMatchObject({
      dst_service: 'web',
      dst_service_namespace: 'shop',
      dst_service_port: 80,
    });
  },
);
