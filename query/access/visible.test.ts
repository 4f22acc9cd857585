import type { WrittenDnsRow } from '@sonde/test/builders/dns';
import type { FlowRow } from '@sonde/test/builders/enriched-flows';
import type { FlowField } from '@sonde/model/flow/fields';
import type { RowOf } from '@sonde/model/record/rows';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlParameters } from '../sql/parameters.js';
import { VisibleRecords, viewer } from '@sonde/test/fixtures/visible-records';
import { type Access, accessOf } from './access.js';
import { visibleRecords } from './visible.js';

let records: VisibleRecords;

beforeAll(async () => {
  records = await VisibleRecords.open();
});

afterAll(() => records.close());

const everything = accessOf('token:test', [{ rights: ['view'], namespaces: 'all' }]);

/** The client port identifies the flows of the tests. */
type Ported = { readonly src_port: number };

async function seen(row: FlowRow, access: Access): Promise<RowOf<FlowField>> {
  const [first, ...others] = await records.flows([row], access);
  if (!first || others.length > 0) throw new Error('one flow was to be seen');
  return first;
}

const shopToPayments: FlowRow = {
  src_kind: 'pod',
  src_namespace: 'shop',
  src_name: 'web-1',
  src_workload: 'web',
  src_workload_kind: 'Deployment',
  src_service_account: 'web',
  src_labels: 'app=web',
  src_node: 'node-a',
  src_zone: 'zone-1',
  src_process: 'nginx',
  src_cgroup: 11,
  src_ip: '10.0.0.1',
  src_tunnel_ip: '192.0.2.1',
  dst_kind: 'pod',
  dst_namespace: 'payments',
  dst_name: 'api-1',
  dst_workload: 'api',
  dst_workload_kind: 'StatefulSet',
  dst_service_account: 'api',
  dst_labels: 'app=api',
  dst_node: 'node-b',
  dst_zone: 'zone-2',
  dst_process: 'java',
  dst_cgroup: 22,
  dst_ip: '10.0.1.1',
  dst_tunnel_ip: '192.0.2.2',
  dst_port: 443,
  dst_service: 'api',
  dst_service_namespace: 'payments',
  dst_service_ip: '10.96.0.1',
  dst_service_port: 8443,
  node: 'node-a',
  bytes_out: 100,
  action: 'deny',
  policies: [
    '0|security|gnp:security.quarantine|pass|0',
    '1|default|knp:shop/web|allow|0',
    '0|security|gnp:security.quarantine|pass|0',
    '1|default|np:payments/default.api|deny|2',
  ].join(','),
};

describe('a reader of all namespaces', () => {
  it('reads the table itself', () => {
    const parameters = new SqlParameters();
    expect(visibleRecords('flows', everything, parameters)).toBe('flows');
    expect(parameters.values).toEqual({});
  });
});

describe('a reader without namespaces', () => {
  it('sees no records', async () => {
    expect(await records.flows([shopToPayments], viewer())).toEqual([]);
    expect(await records.lookups([{ src_kind: 'pod', src_namespace: 'shop' }], viewer())).toEqual([]);
  });
});

describe('a reader of some namespaces', () => {
  it('sees only flows with a side in these namespaces', async () => {
    const flows: FlowRow[] = [
      { src_kind: 'pod', src_namespace: 'shop', dst_kind: 'external', dst_ip: '192.0.2.9' },
      { src_kind: 'pod', src_namespace: 'payments', dst_kind: 'pod', dst_namespace: 'shop' },
      { src_kind: 'pod', src_namespace: 'payments', dst_kind: 'pod', dst_namespace: 'payments' },
      { src_kind: 'external', dst_kind: 'service', dst_namespace: 'shop' },
      { src_kind: 'node', src_name: 'node-a', dst_kind: 'external' },
    ];
    const ports = async (access: Access) =>
      (await records.flows(flows, access)).map((flow: Ported) => flow.src_port);
    expect(await ports(viewer('shop'))).toEqual([0, 1, 3]);
    expect(await ports(viewer('payments'))).toEqual([1, 2]);
    expect(await ports(viewer('shop', 'payments'))).toEqual([0, 1, 2, 3]);
    expect(await ports(viewer('sho', 'shop2', ''))).toEqual([]);
  });

  it('does not see a flow because its address is in a network set of these namespaces', async () => {
    const flow: FlowRow = {
      ...{ src_kind: 'pod', src_namespace: 'payments' },
      ...{ dst_kind: 'network_set', dst_namespace: 'shop', dst_name: 'partners' },
    };
    expect(await records.flows([flow], viewer('shop'))).toEqual([]);
  });

  it('sees all fields of its own side', async () => {
    const flow = await seen(shopToPayments, viewer('shop'));
    expect(flow).toMatchObject({
      src_namespace: 'shop',
      src_name: 'web-1',
      src_workload: 'web',
      src_workload_kind: 'Deployment',
      src_service_account: 'web',
      src_labels: 'app=web',
      src_node: 'node-a',
      src_zone: 'zone-1',
      src_process: 'nginx',
      src_cgroup: 11,
      src_tunnel_ip: '192.0.2.1',
      node: 'node-a',
    });
  });

  it('sees what packets show of the foreign side, and its kind', async () => {
    const flow = await seen(shopToPayments, viewer('shop'));
    expect(flow).toMatchObject({
      dst_kind: 'pod',
      dst_ip: '10.0.1.1',
      dst_port: 443,
      dst_service_ip: '10.96.0.1',
      dst_service_port: 8443,
      dst_address_class: 'public',
      bytes_out: 100,
      action: 'deny',
    });
    expect(flow).toMatchObject({
      dst_namespace: '',
      dst_name: '',
      dst_workload: '',
      dst_workload_kind: '',
      dst_service_account: '',
      dst_labels: '',
      dst_node: '',
      dst_zone: '',
      dst_process: '',
      dst_cgroup: 0,
      dst_tunnel_ip: '::',
      dst_service: '',
      dst_service_namespace: '',
    });
  });

  it('cannot distinguish two other namespaces', async () => {
    const other: FlowRow = {
      ...shopToPayments,
      dst_namespace: 'ledger',
      dst_name: 'book-7',
      dst_workload: 'book',
      dst_workload_kind: 'DaemonSet',
      dst_service_account: 'book',
      dst_labels: 'app=book,team=x',
      dst_node: 'node-c',
      dst_zone: 'zone-3',
      dst_process: 'postgres',
      dst_cgroup: 33,
      dst_tunnel_ip: '192.0.2.3',
      dst_network_sets: 'ledger/own',
      dst_service: 'book',
      dst_service_namespace: 'ledger',
      policies: ['0|default|knp:shop/web|allow|0', '0|default|np:ledger/default.book|deny|-1']
        .join(',')
        .replace('0|default|knp', '1|default|knp'),
    };
    const [one, two] = await records.flows([shopToPayments, other], viewer('shop'));
    expect({ ...two, src_port: 0 }).toEqual(one);
  });

  it('does not see the node of a foreign side', async () => {
    const fromOtherNode = { ...shopToPayments, node: 'node-b', reporter: 'dst' } as const;
    expect(await seen(fromOtherNode, viewer('shop'))).toMatchObject({ node: '', dst_node: '' });
    expect(await seen(fromOtherNode, viewer('payments'))).toMatchObject({ node: 'node-b', src_node: '' });
  });

  it('does not see the address of a foreign service that its client did not address', async () => {
    const flow: FlowRow = { ...shopToPayments, dst_service_namespace: 'gateway', dst_service: 'front' };
    expect(await seen(flow, viewer('payments'))).toMatchObject({
      dst_service: '',
      dst_service_ip: '::',
      dst_service_port: 0,
    });
    expect(await seen(shopToPayments, viewer('payments'))).toMatchObject({
      dst_service: 'api',
      dst_service_ip: '10.96.0.1',
    });
  });

  it('sees the trace steps of policies and profiles in its namespaces', async () => {
    const policies = [
      '0|security|gnp:security.quarantine|pass|0',
      '1|default|knp:shop/web|pass|0',
      '2|default|sgnp:default.staged|pass|0',
      '3|__PROFILE__|pro:kns.shop|pass|0',
      '4|__PROFILE__|pro:ksa.shop.web|allow|0',
      '0|default|np:payments/default.shop/web|deny|-1',
      '1|__PROFILE__|pro:kns.payments|allow|0',
      '2|__PROFILE__|pro:ksa.payments.shop|allow|0',
    ].join(',');
    const flow = await seen({ ...shopToPayments, policies, pending_policies: policies }, viewer('shop'));
    // Renumbered, because the original numbers would reveal how many foreign policies were consulted.
    const own = [
      '0|default|knp:shop/web|pass|0',
      '1|__PROFILE__|pro:kns.shop|pass|0',
      '2|__PROFILE__|pro:ksa.shop.web|allow|0',
    ].join(',');
    expect(flow).toMatchObject({ policies: own, pending_policies: own });
  });

  it('sees steps numbered from 0 on each side, whatever is hidden before them', async () => {
    const traceOf = async (policies: string) =>
      (await seen({ ...shopToPayments, policies }, viewer('shop', 'cart'))).policies;
    const hidden = '0|a|gnp:a.x|pass|0,1|a|np:payments/a.y|pass|0';
    expect(await traceOf('')).toBe('');
    expect(await traceOf(hidden)).toBe('');
    expect(await traceOf(`${hidden},2|b|np:shop/b.z|allow|0`)).toBe('0|b|np:shop/b.z|allow|0');
    expect(await traceOf(`${hidden},0|b|gnp:b.x|pass|0,1|b|np:shop/b.z|allow|10`)).toBe(
      '0|b|np:shop/b.z|allow|10',
    );
    const ends = `${hidden},2|b|np:shop/b.z|pass|0,3|c|np:shop/c.z|allow|0,0|a|gnp:a.x|pass|0,1|b|np:cart/b.z|allow|0`;
    expect(await traceOf(ends)).toBe(
      '0|b|np:shop/b.z|pass|0,1|c|np:shop/c.z|allow|0,0|b|np:cart/b.z|allow|0',
    );
  });

  it('sees the steps of policies without a namespace if no side is foreign', async () => {
    const policies = '0|security|gnp:security.egress|allow|0';
    const toOutside: FlowRow = {
      ...{ src_kind: 'pod', src_namespace: 'shop', policies },
      ...{ dst_kind: 'external', dst_domain: 'www.example.com', dst_ip: '198.51.100.1' },
    };
    expect(await seen(toOutside, viewer('shop'))).toMatchObject({ policies, dst_domain: 'www.example.com' });
    const within: FlowRow = { ...toOutside, dst_kind: 'pod', dst_namespace: 'cart' };
    expect(await seen(within, viewer('shop', 'cart'))).toMatchObject({ policies });
  });

  it('sees the names of sides without a namespace, but not their processes', async () => {
    const fromNode: FlowRow = {
      ...{ src_kind: 'node', src_name: 'node-a', src_node: 'node-a', src_process: 'kubelet', node: 'node-a' },
      ...{ dst_kind: 'pod', dst_namespace: 'shop', dst_node: 'node-a' },
    };
    expect(await seen(fromNode, viewer('shop'))).toMatchObject({
      src_name: 'node-a',
      src_process: '',
      node: 'node-a',
    });
  });

  it('sees only network sets in its namespaces or in none', async () => {
    const toSets = (dst_network_sets: string): FlowRow => {
      const [first = ''] = dst_network_sets.split(',');
      return {
        ...{ src_kind: 'pod', src_namespace: 'shop', dst_kind: 'network_set', dst_labels: 'of=first' },
        ...{
          dst_namespace: first.includes('/') ? first.split('/')[0] : '',
          dst_name: first.split('/').at(-1),
        },
        ...{ dst_network_sets, dst_domain: 'www.example.com' },
      } as FlowRow;
    };
    const nothing = { dst_namespace: '', dst_name: '', dst_labels: '', dst_domain: 'www.example.com' };
    expect(await seen(toSets('ledger/banks,ledger/all'), viewer('shop'))).toMatchObject({
      ...nothing,
      dst_kind: 'external',
      dst_network_sets: '',
    });
    expect(await seen(toSets('ledger/banks,shop/partners,world'), viewer('shop'))).toMatchObject({
      ...nothing,
      dst_kind: 'network_set',
      dst_namespace: 'shop',
      dst_name: 'partners',
      dst_network_sets: 'shop/partners,world',
    });
    expect(await seen(toSets('ledger/banks,world'), viewer('shop'))).toMatchObject({
      ...nothing,
      dst_kind: 'network_set',
      dst_name: 'world',
      dst_network_sets: 'world',
    });
  });

  it('sees the DNS lookups of pods in its namespaces', async () => {
    const lookup: WrittenDnsRow = {
      ...{ src_kind: 'pod', src_namespace: 'shop', src_name: 'web-1', src_node: 'node-a', node: 'node-b' },
      ...{ query_name: 'www.example.com', answers: '198.51.100.1' },
    };
    const lookups = await records.lookups(
      [lookup, { ...lookup, src_namespace: 'payments' }, { ...lookup, src_kind: 'network_set' }],
      viewer('shop'),
    );
    expect(lookups).toHaveLength(1);
    expect(lookups[0]).toMatchObject({ src_name: 'web-1', query_name: 'www.example.com', node: '' });
  });
});
