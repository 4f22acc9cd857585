import type { FlowStore, QueryOptions } from '@sonde/backbone/store/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { SqlParameters } from '../sql/parameters.js';
import { SharedQueries } from './shared-queries.js';

interface Asked {
  readonly sql: string;
  readonly values: unknown;
  readonly options: QueryOptions | undefined;
  answer(rows: readonly unknown[]): void;
  fail(error: Error): void;
}

/** What the store was asked, in order. */
let asked: Asked[];
let answers: SharedQueries;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  asked = [];
  const query = (sql: string, values?: unknown, options?: QueryOptions) =>
    new Promise((answer, fail) => asked.push({ sql, values, options, answer, fail }));
  answers = new SharedQueries({ query: query as FlowStore['query'] });
  return () => vi.useRealTimers();
});

function ask(sql: string, { value = 0n, freshMs = 100, signal }: Partial<Question> = {}) {
  const parameters = new SqlParameters();
  parameters.add(value, 'UInt64');
  return answers.query(sql, parameters, freshMs, { signal });
}

interface Question {
  readonly value: bigint;
  readonly freshMs: number;
  readonly signal: AbortSignal;
}

it('asks the store once what many ask while it is worked out', async () => {
  const all = [ask('a'), ask('a'), ask('a')];
  expect(asked).toHaveLength(1);
  asked[0]?.answer([1]);
  expect(await Promise.all(all)).toEqual([[1], [1], [1]]);
});

it('gives nobody the answer to other values, as which namespaces may be seen', async () => {
  const [one, other] = [ask('a', { value: 1n }), ask('a', { value: 2n })];
  expect(asked.map(({ values }) => values)).toEqual([{ p1: 1n }, { p1: 2n }]);
  asked[0]?.answer(['of one']);
  asked[1]?.answer(['of the other']);
  expect(await one).toEqual(['of one']);
  expect(await other).toEqual(['of the other']);
});

it('gives an answer again while it is fresh, and then asks again', async () => {
  const first = ask('a');
  vi.advanceTimersByTime(60);
  asked[0]?.answer([1]);
  await first;
  vi.advanceTimersByTime(40);
  expect(await ask('a')).toEqual([1]);
  vi.advanceTimersByTime(1);
  void ask('a');
  expect(asked).toHaveLength(2);
});

it('keeps no answer that is large, nor all that are small', async () => {
  const store = async (sql: string, rows: number) => {
    const answer = ask(sql);
    asked.at(-1)?.answer(Array.from({ length: rows }));
    await answer;
  };
  await store('large', 60_000);
  await store('first', 20_000);
  await store('second', 20_000);
  await store('third', 20_000);
  for (const sql of ['second', 'third', 'large', 'first']) void ask(sql);
  expect(asked.slice(4).map(({ sql }) => sql)).toEqual(['large', 'first']);
});

it('lets go of who leaves, and gives up when nobody is left', async () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const leaving = ask('a', { signal: one.signal });
  const staying = ask('a', { signal: other.signal });
  one.abort(new Error('left'));
  await expect(leaving).rejects.toThrow('left');
  expect(asked[0]?.options?.signal?.aborted).toBe(false);
  other.abort(new Error('left too'));
  await expect(staying).rejects.toThrow('left too');
  expect(asked[0]?.options?.signal?.aborted).toBe(true);
  void ask('a');
  expect(asked).toHaveLength(2);
});

it('tells all who wait of a failure, and asks again afterwards', async () => {
  const waiting = [ask('a'), ask('a')];
  asked[0]?.fail(new Error('out of memory'));
  for (const one of waiting) await expect(one).rejects.toThrow('out of memory');
  void ask('a');
  expect(asked).toHaveLength(2);
});
