import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { type FlowFieldName } from '@sonde/model/flow/fields';
import { flowRow } from '@sonde/model/flow/records';
import { batchOf } from '@sonde/test/builders/batch';
import { type ObservedFlowRow, observedFlows } from '@sonde/test/builders/observed-flows';
import { describe, expect, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');

/** A guess that takes the server, on a port above the client's, for the client. */
const guess: ObservedFlowRow = {
  start_time: NOW,
  end_time: NOW,
  orientation: 'guessed',
  protocol: 6,
  src_ip: '10.0.2.1',
  src_port: 50_051,
  dst_ip: '10.0.1.1',
  dst_port: 40_001,
  bytes_out: 1000,
  bytes_in: 100,
  packets_out: 3,
  packets_in: 2,
  src_process: 'grpcd',
  src_cgroup: 7,
  src_tunnel_ip: '192.0.2.1',
  reporter: 'src',
};

const turned = {
  orientation: 'declared',
  src_ip: '10.0.1.1',
  src_port: 40_001,
  src_name: 'client',
  dst_ip: '10.0.2.1',
  dst_port: 50_051,
  dst_name: 'server',
  bytes_out: 100,
  bytes_in: 1000,
  packets_out: 2,
  packets_in: 3,
  src_process: '',
  dst_process: 'grpcd',
  src_cgroup: 0,
  dst_cgroup: 7,
  src_tunnel_ip: '::',
  dst_tunnel_ip: '192.0.2.1',
  reporter: 'dst',
};

describe('a guessed direction', () => {
  it.each([
    ['a container port', [server([{ containerPort: 50_051 }]), client()]],
    ['a service by its target port', [server([]), client(), service({ port: 80, targetPort: 50_051 })]],
    ['a service by its own port', [server([]), client(), service({ port: 50_051 })]],
    [
      'a service by the name of a container port',
      [
        server([{ name: 'grpc', containerPort: 50_051 }]),
        client(),
        service({ port: 80, targetPort: 'grpc' }),
      ],
    ],
  ])('is turned round if %s declares the other side', (_, objects) => {
    expect(enriched(objects, guess)[0]).toMatchObject(turned);
  });

  it('is confirmed if the server is declared', () => {
    const objects = [server([{ containerPort: 50_051 }]), client()];
    const right = { ...guess, src_ip: '10.0.1.1', src_port: 40_001, dst_ip: '10.0.2.1', dst_port: 50_051 };
    expect(enriched(objects, right)[0]).toMatchObject({ orientation: 'declared', src_name: 'client' });
  });

  it.each([
    ['no side is declared', [server([]), client()]],
    ['both sides are declared', [server([{ containerPort: 50_051 }]), client([{ containerPort: 40_001 }])]],
    [
      'the port is declared for another protocol',
      [server([{ containerPort: 50_051, protocol: 'UDP' }]), client()],
    ],
    ['a service selects other pods', [server([]), client(), service({ port: 50_051 }, { app: 'other' })]],
  ])('stays a guess if %s', (_, objects) => {
    expect(enriched(objects, guess)[0]).toMatchObject({ orientation: 'guessed', src_name: 'server' });
  });

  it('is turned round for a node by the ports of pods on its network', () => {
    const node: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'node-b' },
      ...{ status: { addresses: [{ type: 'InternalIP', address: '10.0.2.1' }] } },
    };
    const onHost = podOf('server', [], { hostNetwork: true, ports: [{ containerPort: 50_051 }] });
    expect(enriched([node, onHost, client()], guess)[0]).toMatchObject({
      ...{ orientation: 'declared', dst_name: 'server', dst_kind: 'host_network_pod', dst_port: 50_051 },
    });
  });

  it('does not change flows whose direction is known, in the same block', () => {
    const objects = [server([{ containerPort: 50_051 }]), client()];
    const known = { ...guess, orientation: 'conntrack' } as const;
    const flows = enriched(objects, known, guess, known);
    expect(flows.map(({ orientation, src_ip }) => [orientation, src_ip])).toEqual([
      ['conntrack', '10.0.2.1'],
      ['declared', '10.0.1.1'],
      ['conntrack', '10.0.2.1'],
    ]);
  });

  it('is not turned in the delivered batch, which may be enriched again', () => {
    const { context } = contextFromObjects([server([{ containerPort: 50_051 }]), client()]);
    const delivered = [
      { batch: batchOf(observedFlows([guess]), { cluster: 'test', node: 'a' }), partition: 0, offset: 1 },
    ];
    const first = flowRow(enrich(delivered, context).columns, 0);
    expect(flowRow(enrich(delivered, context).columns, 0)).toEqual(first);
  });
});

function enriched(objects: readonly KubernetesObject[], ...rows: ObservedFlowRow[]) {
  const { context } = contextFromObjects(objects);
  const batch = batchOf(observedFlows(rows), { cluster: 'test', node: 'node-a' });
  const { columns } = enrich([{ batch, partition: 0, offset: 1 }], context);
  return rows.map((_, row) => flowRow(columns, row) as Readonly<Record<FlowFieldName, unknown>>);
}

interface Port {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

function podOf(
  name: string,
  ips: readonly string[],
  { hostNetwork = false, ports = [] as readonly Port[] },
): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid: name, labels: { app: name } },
    ...{
      spec: { nodeName: 'node-b', hostNetwork, containers: [{ name: 'main', ports }] },
      status: { phase: 'Running', podIPs: ips.map((ip) => ({ ip })) },
    },
  };
}

function server(ports: readonly Port[]): KubernetesObject {
  return podOf('server', ['10.0.2.1'], { ports });
}

function client(ports: readonly Port[] = []): KubernetesObject {
  return podOf('client', ['10.0.1.1'], { ports });
}

function service(
  port: object,
  selector: Readonly<Record<string, string>> = { app: 'server' },
): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'grpc', namespace: 'shop' },
    ...{ spec: { clusterIPs: ['10.96.0.9'], selector, ports: [port] } },
  };
}
