import { pod } from '@sonde/test/builders/manifests';
import { batchOf } from '@sonde/test/builders/batch';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import type { FlowBatch } from '@sonde/model/batch/batch';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import type { Column } from '@sonde/model/record/columns';
import { type FlowFieldName, flowFields } from '@sonde/model/flow/fields';
import { flowRow } from '@sonde/model/flow/records';
import { describe, expect, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');

const objects: KubernetesObject[] = [
  object('Node', 'node-a', '', { metadata: { labels: { 'topology.kubernetes.io/zone': 'zone-1' } } }),
  pod('shop/web', { ips: ['10.0.1.1'], node: 'node-a' }),
  pod('shop/api', { ips: ['10.0.2.1'], node: 'node-b' }),
  object('Service', 'api', 'shop', { spec: { clusterIPs: ['10.96.0.10'] } }),
  object('GlobalNetworkSet', 'partners', '', { spec: { nets: ['203.0.113.0/24'] } }),
];

function object(
  kind: string,
  name: string,
  namespace: string,
  rest: { metadata?: object; [field: string]: unknown },
): KubernetesObject {
  const metadata = { name, ...(namespace === '' ? {} : { namespace }), ...rest.metadata };
  return { apiVersion: 'v1', kind, ...rest, metadata };
}

function batch(rows: readonly ObservedFlowRow[], node = 'node-a'): FlowBatch {
  const timed = rows.map((row) => ({ start_time: NOW, end_time: NOW, ...row }));
  return batchOf(observedFlows(timed), { cluster: 'test', node });
}

/** Enriches rows seen by `node` in a cluster where `monitored` nodes are collected. */
function enriched(
  rows: readonly ObservedFlowRow[],
  { node = 'node-a', monitored = ['node-a', 'node-b'], extra = [] as KubernetesObject[] } = {},
) {
  const { context } = contextFromObjects([...objects, ...extra], (name) => monitored.includes(name));
  return enrich([{ batch: batch(rows, node), partition: 3, offset: 77 }], context);
}

function value(flows: EnrichedFlows, name: FlowFieldName, row = 0) {
  return flowRow(flows.columns, row)[name];
}

function values(flows: EnrichedFlows, names: readonly FlowFieldName[], row = 0): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, value(flows, name, row)]));
}

const webToApi: ObservedFlowRow = {
  src_ip: '10.0.1.1',
  dst_ip: '10.0.2.1',
  src_port: 40_000,
  dst_port: 8080,
  protocol: 6,
};

describe('a flow', () => {
  it('carries the pods at both of its ends', () => {
    const flows = enriched([webToApi]);
    expect(
      values(flows, [
        'src_kind',
        'src_namespace',
        'src_name',
        'src_workload',
        'src_workload_kind',
        'src_node',
        'src_zone',
      ]),
    ).toEqual({
      src_kind: 'pod',
      src_namespace: 'shop',
      src_name: 'web',
      src_workload: 'web',
      src_workload_kind: 'Pod',
      src_node: 'node-a',
      src_zone: 'zone-1',
    });
    expect(values(flows, ['dst_kind', 'dst_name', 'dst_node', 'dst_zone', 'dst_service'])).toEqual({
      dst_kind: 'pod',
      dst_name: 'api',
      dst_node: 'node-b',
      dst_zone: '',
      dst_service: '',
    });
  });

  it('says that nothing is known of an address rather than guess', () => {
    const flows = enriched([{ ...webToApi, dst_ip: '192.0.2.9' }]);
    expect(values(flows, ['dst_kind', 'dst_name', 'dst_network_sets'])).toEqual({
      dst_kind: 'external',
      dst_name: '',
      dst_network_sets: '',
    });
  });

  it('says of what class the addresses are, whether anything is known of them or not', () => {
    const classes = ['src_address_class', 'dst_address_class'] as const;
    expect(values(enriched([webToApi]), classes)).toEqual({
      src_address_class: 'private',
      dst_address_class: 'private',
    });
    expect(value(enriched([{ ...webToApi, dst_ip: '100.64.0.1' }]), 'dst_address_class')).toBe('shared');
  });

  it('names an external end by the network set that holds it', () => {
    const flows = enriched([{ ...webToApi, dst_ip: '203.0.113.10' }]);
    expect(values(flows, ['dst_kind', 'dst_name', 'dst_network_sets'])).toEqual({
      dst_kind: 'network_set',
      dst_name: 'partners',
      dst_network_sets: 'partners',
    });
  });

  it('goes to the pod that held the address at the time of the flow, not to its successor', () => {
    const startTime = '2026-03-01T12:00:10Z';
    const extra = [pod('shop/api-2', { ips: ['10.0.2.1'], node: 'node-b', startTime })];
    const flows = enriched([webToApi, { ...webToApi, start_time: NOW + 10_000 }], { extra });
    expect([value(flows, 'dst_name', 0), value(flows, 'dst_name', 1)]).toEqual(['api', 'api-2']);
  });

  it('names the service that the client addressed and the backend that answered', () => {
    const flows = enriched([{ ...webToApi, dst_service_ip: '10.96.0.10', dst_service_port: 80 }]);
    expect(
      values(flows, ['dst_kind', 'dst_name', 'dst_service_namespace', 'dst_service', 'dst_service_port']),
    ).toEqual({
      dst_kind: 'pod',
      dst_name: 'api',
      dst_service_namespace: 'shop',
      dst_service: 'api',
      dst_service_port: 80,
    });
  });

  it('to a service that reached no backend names the service all the same', () => {
    const flows = enriched([{ ...webToApi, dst_ip: '10.96.0.10', dst_port: 80 }]);
    expect(
      values(flows, ['dst_kind', 'dst_name', 'dst_service', 'dst_service_ip', 'dst_service_port']),
    ).toEqual({
      dst_kind: 'service',
      dst_name: 'api',
      dst_service: 'api',
      dst_service_ip: '10.96.0.10',
      dst_service_port: 80,
    });
  });

  it('translated from an address that is no service names none', () => {
    const flows = enriched([{ ...webToApi, dst_service_ip: '192.0.2.1', dst_service_port: 30080 }]);
    expect(values(flows, ['dst_service', 'dst_service_ip', 'dst_service_port'])).toEqual({
      dst_service: '',
      dst_service_ip: '192.0.2.1',
      dst_service_port: 30080,
    });
  });

  it('carries where it was seen and what it came through', () => {
    expect(
      values(enriched([webToApi]), ['cluster', 'node', 'transport_partition', 'transport_offset']),
    ).toEqual({
      cluster: 'test',
      node: 'node-a',
      transport_partition: 3,
      transport_offset: 77,
    });
  });
});

describe('of a connection that both nodes report', () => {
  it("the client's record is primary, and the server's is not", () => {
    expect(value(enriched([{ ...webToApi, reporter: 'src' }]), 'primary')).toBe(true);
    expect(value(enriched([{ ...webToApi, reporter: 'dst' }], { node: 'node-b' }), 'primary')).toBe(false);
  });

  it("the server's record is primary if nobody reports the client", () => {
    const fromOutside = enriched([{ ...webToApi, src_ip: '192.0.2.9', reporter: 'dst' }], { node: 'node-b' });
    const fromUnmonitored = enriched([{ ...webToApi, reporter: 'dst' }], {
      node: 'node-b',
      monitored: ['node-b'],
    });
    expect([value(fromOutside, 'primary'), value(fromUnmonitored, 'primary')]).toEqual([true, true]);
  });
});

describe('several batches', () => {
  it('make one block, each row with its own node, offset and texts', () => {
    const first = batch(
      [webToApi, { ...webToApi, drop_reason: 'NETFILTER_DROP', bytes_out: 2 ** 33 }],
      'node-a',
    );
    const second = batch([{ ...webToApi, drop_reason: 'NO_SOCKET', src_ip: '203.0.113.4' }], 'node-b');
    const flows = enrich(
      [
        { batch: first, partition: 0, offset: 5 },
        { batch: second, partition: 0, offset: 6 },
      ],
      contextFromObjects(objects).context,
    );
    const names = [
      'node',
      'transport_offset',
      'drop_reason',
      'src_ip',
      'bytes_out',
      'src_kind',
      'sampling',
    ] as const;
    expect([0, 1, 2].map((row) => Object.values(values(flows, names, row)))).toEqual([
      ['node-a', 5, '', '10.0.1.1', 0, 'pod', 1],
      ['node-a', 5, 'NETFILTER_DROP', '10.0.1.1', 2 ** 33, 'pod', 1],
      ['node-b', 6, 'NO_SOCKET', '203.0.113.4', 0, 'network_set', 1],
    ]);
  });

  it('have a column for every field, each of the right length', () => {
    const flows = enriched([webToApi, webToApi]);
    for (const { name, type } of flowFields) {
      const column: Column = flows.columns[name];
      const length = 'dictionary' in column ? column.indexes.length : column.length;
      expect([name, length]).toEqual([name, type === 'ip' ? 32 : 2]);
    }
  });
});
