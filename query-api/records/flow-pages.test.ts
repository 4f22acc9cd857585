import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';

let api: TestApi;

const START = Date.parse('2026-02-10T00:00:00Z');
const range = 'from=2026-02-10T00:00:00Z&to=2026-02-11T00:00:00Z&fields=src_port';
/** Many flows with one start time; some differ only in a field that is not part of the order. */
const rows = Array.from({ length: 250 }, (_, number): FlowRow => ({
  start_time: START + Math.floor(number / 60),
  src_port: number < 40 ? number : 1000,
  bytes_out: number,
  transport_offset: 100,
}));

beforeAll(async () => {
  api = await startTestApi();
  await api.store.insert({ flows: enrichedFlows(rows) });
});

afterAll(() => api.close());

/** The flows of all pages, and the number of pages; `between` is called after each page. */
async function allPages(query: string, between: () => Promise<void> = () => Promise.resolve()) {
  const ports: unknown[] = [];
  let pages = 0;
  for (let cursor = ''; ;) {
    const { status, body } = await api.get(`/api/v1/flows?${query}${cursor}`);
    expect(status, JSON.stringify(body)).toBe(200);
    ports.push(...body.flows.map((flow) => flow['src_port']));
    pages += 1;
    if (body['next'] === undefined) return { ports, pages };
    cursor = `&cursor=${body['next'] as string}`;
    await between();
  }
}

it.each(['newest', 'oldest'])('pages contain each flow once, %s first', async (order) => {
  const whole = await allPages(`${range}&order=${order}&limit=1000`);
  const paged = await allPages(`${range}&order=${order}&limit=17`);
  expect(whole).toMatchObject({ pages: 1 });
  expect(paged.pages).toBe(15);
  expect(paged.ports).toEqual(whole.ports);
  expect(paged.ports).toHaveLength(250);
});

it('pages do not shift when newer flows are stored meanwhile', async () => {
  const query = 'from=-1d&limit=1&filter=src.name.endsWith("-ago")&fields=src_port';
  const ago = [1, 2, 3].map((seconds) => ({ start_time: Date.now() - seconds * 1000, src_name: 'one-ago' }));
  await api.store.insert({ flows: enrichedFlows(ago) });
  let stored = 0;
  const { ports } = await allPages(query, async () => {
    stored += 1;
    const row = {
      start_time: Date.now(),
      src_name: 'new-ago',
      src_port: 9,
      transport_offset: 1000 + stored,
    };
    await api.store.insert({ flows: enrichedFlows([row]) });
  });
  expect(ports).toEqual([0, 0, 0]);
  expect(stored).toBe(2);
});

it('pages reject a cursor of another query, and an invalid one', async () => {
  const { body } = await api.get(`/api/v1/flows?${range}&limit=1`);
  const next = body['next'] as string;
  expect(await api.errors(`/api/v1/flows?${range}&order=oldest&cursor=${next}`)).toMatchObject([
    { parameter: 'cursor', reason: expect.stringContaining('another query') as string },
  ]);
  for (const forged of ['x', 'bnVsbA', `${next}x`, Buffer.from('[1]').toString('base64url')]) {
    expect(await api.errors(`/api/v1/flows?${range}&cursor=${forged}`)).toMatchObject([
      { parameter: 'cursor' },
    ]);
  }
});

describe('pages reject a forged cursor with', () => {
  const DAY_MS = 86_400_000;
  const FROM = 2;
  const TO = 3;
  const VALUES = 5;
  it.each<[string, number, unknown, string]>([
    ['a time range that is too long', FROM, START - 365 * DAY_MS, 'from'],
    ['an end that is no time', TO, Number.MAX_SAFE_INTEGER, 'cursor'],
    ['an end beyond the maximum time', TO, 2 ** 32 * 1000, 'cursor'],
    ['a start after the end', FROM, START + 2 * DAY_MS, 'cursor'],
    ['a start at the end', FROM, START + DAY_MS, 'cursor'],
    ['a start that is a string', FROM, '2026-02-10', 'cursor'],
    ['more skipped records than a page has', 4, 100_001, 'cursor'],
    ['a time that is an invalid string', VALUES, 'x', 'cursor'],
    ['a time that is a number', VALUES, START, 'cursor'],
    ['an invalid time', VALUES, '2026-02-30 00:00:00.000', 'cursor'],
    ['a time out of range', VALUES, '2200-01-01 00:00:00.000', 'cursor'],
    ['a partition that is too large', VALUES + 1, 2 ** 32, 'cursor'],
    ['a partition that is a string', VALUES + 1, '0', 'cursor'],
    ['an offset that is too large', VALUES + 2, '18446744073709551616', 'cursor'],
    ['an offset that is a number', VALUES + 2, 1, 'cursor'],
    ['an invalid address', VALUES + 3, 'x', 'cursor'],
    ['an address with a zone', VALUES + 4, 'fe80::1%eth0', 'cursor'],
    ['a port that is too large', VALUES + 5, 65_536, 'cursor'],
    ['a port below 0', VALUES + 6, -1, 'cursor'],
    ['an invalid protocol', VALUES + 7, 256, 'cursor'],
  ])('%s', async (_what, at, value, parameter) => {
    const { body } = await api.get(`/api/v1/flows?${range}&limit=1`);
    const content = JSON.parse(Buffer.from(body['next'] as string, 'base64url').toString()) as unknown[];
    content[at] = value;
    const forged = Buffer.from(JSON.stringify(content)).toString('base64url');
    expect(await api.errors(`/api/v1/flows?${range}&cursor=${forged}`)).toMatchObject([{ parameter }]);
  });
});
