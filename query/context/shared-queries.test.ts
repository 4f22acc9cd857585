import type { FlowStore, QueryOptions } from '@sonde/backbone/store/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { SqlParameters } from '../sql/parameters.js';
import { SharedQueries } from './shared-queries.js';

interface SentQuery {
  readonly sql: string;
  readonly values: unknown;
  readonly options: QueryOptions | undefined;
  answer(rows: readonly unknown[]): void;
  fail(error: Error): void;
}

/** The queries that the store received, in order. */
let sent: SentQuery[];
let queries: SharedQueries;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  sent = [];
  const query = (sql: string, values?: unknown, options?: QueryOptions) =>
    new Promise((answer, fail) => sent.push({ sql, values, options, answer, fail }));
  queries = new SharedQueries({ query: query as FlowStore['query'] });
  return () => vi.useRealTimers();
});

function run(sql: string, { value = 0n, freshMs = 100, signal }: Partial<RunOptions> = {}) {
  const parameters = new SqlParameters();
  parameters.add(value, 'UInt64');
  return queries.query(sql, parameters, freshMs, { signal });
}

interface RunOptions {
  readonly value: bigint;
  readonly freshMs: number;
  readonly signal: AbortSignal;
}

it('runs equal concurrent queries once', async () => {
  const all = [run('a'), run('a'), run('a')];
  expect(sent).toHaveLength(1);
  sent[0]?.answer([1]);
  expect(await Promise.all(all)).toEqual([[1], [1], [1]]);
});

it('does not share results between different values, such as visible namespaces', async () => {
  const [one, other] = [run('a', { value: 1n }), run('a', { value: 2n })];
  expect(sent.map(({ values }) => values)).toEqual([{ p1: 1n }, { p1: 2n }]);
  sent[0]?.answer(['of one']);
  sent[1]?.answer(['of the other']);
  expect(await one).toEqual(['of one']);
  expect(await other).toEqual(['of the other']);
});

it('shares a result until it expires, then runs the query again', async () => {
  const first = run('a');
  vi.advanceTimersByTime(60);
  sent[0]?.answer([1]);
  await first;
  vi.advanceTimersByTime(40);
  expect(await run('a')).toEqual([1]);
  vi.advanceTimersByTime(1);
  void run('a');
  expect(sent).toHaveLength(2);
});

it('keeps neither large results nor too many small ones', async () => {
  const store = async (sql: string, rows: number) => {
    const answer = run(sql);
    sent.at(-1)?.answer(Array.from({ length: rows }));
    await answer;
  };
  await store('large', 60_000);
  await store('first', 20_000);
  await store('second', 20_000);
  await store('third', 20_000);
  for (const sql of ['second', 'third', 'large', 'first']) void run(sql);
  expect(sent.slice(4).map(({ sql }) => sql)).toEqual(['large', 'first']);
});

it('continues for the remaining clients, and cancels the query when none is left', async () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const leaving = run('a', { signal: one.signal });
  const staying = run('a', { signal: other.signal });
  one.abort(new Error('left'));
  await expect(leaving).rejects.toThrow('left');
  expect(sent[0]?.options?.signal?.aborted).toBe(false);
  other.abort(new Error('left too'));
  await expect(staying).rejects.toThrow('left too');
  expect(sent[0]?.options?.signal?.aborted).toBe(true);
  void run('a');
  expect(sent).toHaveLength(2);
});

it('rejects for all waiting clients, and runs the query again afterwards', async () => {
  const waiting = [run('a'), run('a')];
  sent[0]?.fail(new Error('out of memory'));
  for (const one of waiting) await expect(one).rejects.toThrow('out of memory');
  void run('a');
  expect(sent).toHaveLength(2);
});
