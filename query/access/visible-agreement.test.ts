import { columnType } from '@sonde/backbone/store/schema/record-tables';
import type { FlowRow } from '@sonde/test/builders/enriched-flows';
import { flowFields } from '@sonde/model/flow/fields';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlParameters } from '../sql/parameters.js';
import { Random } from '@sonde/test/builders/random-choices';
import { VisibleRecords, viewer } from '@sonde/test/fixtures/visible-records';
import { visibleRecords } from './visible.js';

let records: VisibleRecords;

beforeAll(async () => {
  records = await VisibleRecords.open();
});

afterAll(() => records.close());

describe('redaction in SQL and on columns', () => {
  it('agrees for a thousand random flows', async () => {
    const random = new Random(7);
    const names = ['', 'shop', 'payments', 'ledger', 'x'];
    const sets = ['', 'shop/a', 'ledger/b', 'world', 'ledger/b,shop/a,world', 'world,payments/c'];
    const steps = [
      '0|default|knp:shop/web|allow|0',
      '0|security|gnp:security.a|pass|-1',
      '1|default|np:ledger/default.b|deny|2',
      '2|__PROFILE__|pro:kns.payments|allow|0',
      '2|__PROFILE__|pro:ksa.shop.web|allow|0',
      'not a step',
      '',
    ];
    const end = (prefix: 'src' | 'dst') => ({
      [`${prefix}_kind`]: random.pick([
        'pod',
        'external',
        'node',
        'host_network_pod',
        'service',
        'network_set',
      ]),
      [`${prefix}_namespace`]: random.pick(names),
      [`${prefix}_name`]: random.pick(names),
      [`${prefix}_labels`]: random.pick(['', 'a=b', 'c=d']),
      [`${prefix}_node`]: random.pick(['', 'n1', 'n2']),
      [`${prefix}_network_sets`]: random.pick(sets),
      [`${prefix}_process`]: random.pick(['', 'nginx']),
      [`${prefix}_cgroup`]: random.pick([0, 5]),
      [`${prefix}_ip`]: random.pick(['10.0.0.1', '2001:db8::1']),
      [`${prefix}_tunnel_ip`]: random.pick(['192.0.2.1', '::']),
    });
    const flows = Array.from({ length: 1000 }, () => ({
      ...end('src'),
      ...end('dst'),
      node: random.pick(['', 'n1', 'n2']),
      dst_service_namespace: random.pick(names),
      dst_service: random.pick(names),
      dst_service_ip: random.pick(['10.96.0.1', '::']),
      dst_service_port: random.pick([0, 80]),
      policies: [random.pick(steps), random.pick(steps), random.pick(steps)].join(','),
      pending_policies: random.pick(steps),
    })) as FlowRow[];
    for (const access of [viewer('shop'), viewer('shop', 'ledger')]) {
      expect((await records.flows(flows, access)).length).toBeGreaterThan(100);
    }
  }, 120_000);

  it('keeps the type of every field', async () => {
    const parameters = new SqlParameters();
    const types = await records.store.query<{ name: string; type: string }>(
      `DESCRIBE TABLE (SELECT * FROM ${visibleRecords('flows', viewer('shop'), parameters)})`,
      parameters.values,
    );
    expect(types.map(({ name, type }) => [name, type])).toEqual(
      flowFields.map((field) => [field.name, columnType(field)]),
    );
  });
});
