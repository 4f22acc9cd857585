import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { filterPredicate } from '@sonde/model/filter/predicate';
import { GUESSED_DIRECTION, ICMP_ERROR, LINK_UPKEEP } from '@sonde/model/policy/flow-conditions';
import { flowSql } from '@sonde/query/policies/flow-sql';
import { SqlParameters } from '@sonde/query/sql/parameters';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrichedFlows } from '../builders/enriched-flows.js';
import { Random } from '../builders/random-choices.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const random = new Random(12);

const rows = Array.from({ length: 5000 }, (_, number) => ({
  protocol: random.pick([1, 6, 17, 58]),
  icmp_type: random.pick([0, 1, 2, 3, 4, 5, 8, 11, 12, 128, 129, 130, 133, 136, 137, 138, 142, 143, 144]),
  orientation: random.pick(['seen', 'declared', 'socket', 'conntrack', 'guessed'] as const),
  transport_offset: number,
}));
const flows = enrichedFlows(rows);

const CONDITIONS = [
  {
    name: 'link upkeep',
    filter: LINK_UPKEEP,
    sql: 'linkUpkeep',
    holds: ({ protocol, icmp_type }: (typeof rows)[number]) =>
      protocol === 58 && [130, 131, 132, 133, 134, 135, 136, 137, 143].includes(icmp_type),
  },
  {
    name: 'ICMP error',
    filter: ICMP_ERROR,
    sql: 'icmpError',
    holds: ({ protocol, icmp_type }: (typeof rows)[number]) =>
      (protocol === 1 && [3, 4, 5, 11, 12].includes(icmp_type)) ||
      (protocol === 58 && [1, 2, 3, 4].includes(icmp_type)),
  },
  {
    name: 'guessed direction',
    filter: GUESSED_DIRECTION,
    sql: 'guessed',
    holds: ({ orientation }: (typeof rows)[number]) => orientation === 'guessed',
  },
] as const;

let store: FlowStore;

beforeAll(async () => {
  const log = createLogger('test', 'silent');
  store = await openChdbStore({ directory: temporaryDirectory('conditions'), log });
  await store.migrate();
  await store.insert({ flows });
});

afterAll(() => store.close());

describe('conditions of policies on flows', () => {
  it.each(CONDITIONS)('are the same in SQL and on columns: $name', async ({ filter, sql, holds }) => {
    const expected = rows.flatMap((row, number) => (holds(row) ? [number] : []));
    expect(expected.length).toBeGreaterThan(100);
    const test = filterPredicate(filter)(flows.columns);
    expect(rows.flatMap((_, row) => (test(row) ? [row] : []))).toEqual(expected);
    const parameters = new SqlParameters();
    const condition = flowSql(parameters)[sql];
    const found = await store.query<{ number: number }>(
      `SELECT toUInt32(transport_offset) AS number FROM flows WHERE ${condition} ORDER BY number`,
      parameters.values,
    );
    expect(found.map(({ number }) => number)).toEqual(expected);
  });
});
