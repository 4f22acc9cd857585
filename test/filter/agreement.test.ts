import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import type { Filter } from '@sonde/model/filter/filter';
import { parseFilter } from '@sonde/model/filter/parse';
import { filterPredicate } from '@sonde/model/filter/predicate';
import { filterSql } from '@sonde/model/filter/sql';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { enrichedFlows } from '../builders/enriched-flows.js';
import { flowFields } from '@sonde/model/flow/fields';
import { SqlParameters } from '@sonde/query/sql/parameters';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../builders/random-choices.js';
import { randomFilter } from './random-filter.js';
import { randomFlow } from './random-flows.js';

const ROWS = 200;
const FILTERS = 2000;
const SEED = 20_260_301;

let directory: string;
let store: FlowStore;
const random = new Random(SEED);
const rows = Array.from({ length: ROWS }, (_, number) => randomFlow(number, random));
const flows = enrichedFlows(rows);

beforeAll(async () => {
  directory = temporaryDirectory('filter');
  store = await openChdbStore({ directory, log: createLogger('test', 'silent') });
  await store.migrate();
  await store.insert({ flows });
});

afterAll(async () => {
  await store.close();
});

it(`gives the same result in SQL, on columns and in a naive implementation: ${FILTERS} filters on ${ROWS} flows`, async () => {
  let hits = 0;
  for (let i = 0; i < FILTERS; i++) {
    const { text, holds } = randomFilter(random, 3);
    const filter = parseFilter(text, flowFields);
    const meant = rows.flatMap((row, number) => (holds(row) ? [number] : []));
    expect(byColumns(filter), `columns: ${text}`).toEqual(meant);
    expect(await byEngine(filter), `engine: ${text}`).toEqual(meant);
    hits += meant.length > 0 && meant.length < ROWS ? 1 : 0;
  }
  // Agreement of filters that match all or no flows would prove little.
  expect(hits).toBeGreaterThan(FILTERS / 2);
}, 300_000);

it.each([
  ['sums', `bytes_out < ${Array.from({ length: 60 }, () => 'bytes_in').join(' + ')}`],
  ['minus signs', `${'-'.repeat(60)}bytes_out < 1`],
  ['comparisons', Array.from({ length: 60 }, () => 'primary').join(' == ')],
  [
    'choices',
    Array.from({ length: 30 }).reduce((text: string) => `(${text} ? contradiction : primary)`, 'primary'),
  ],
  ['brackets', Array.from({ length: 30 }).reduce((text: string) => `!(${text} && contradiction)`, 'primary')],
  ['conditions', Array.from({ length: 400 }, (_, port) => `dst.port != ${port}`).join('&&')],
])('accepts as many nested %s as the parser allows', async (_, text) => {
  const filter = parseFilter(text, flowFields);
  expect(await byEngine(filter)).toEqual(byColumns(filter));
});

function byColumns(filter: Filter): number[] {
  const test = filterPredicate(filter)(flows.columns);
  return rows.flatMap((_, row) => (test(row) ? [row] : []));
}

async function byEngine(filter: Filter): Promise<number[]> {
  const parameters = new SqlParameters();
  const condition = filterSql(filter, parameters);
  const sql = `SELECT toUInt32(transport_offset) AS number FROM flows WHERE ${condition} ORDER BY number`;
  const found = await store.query<{ number: number }>(sql, parameters.values);
  return found.map(({ number }) => number);
}
