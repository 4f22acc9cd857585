import { request } from 'node:http';
import { createLogger } from '@sonde/backbone/logging';
import { type QueryApi, startQueryApi } from '@sonde/query-api/server';
import { type ApiDocument, Conformance, type ReceivedAnswer } from '../fixtures/openapi-conformance.js';
import { startTestApi, type TestApi } from '../fixtures/test-api.js';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GivenCursor } from './random-cursors.js';
import { RandomRequests, type RandomRequest } from './random-requests.js';
import { securityOf, viewOf } from '../builders/security.js';
import { DAY, fillStore, storeVariants } from './store-pair.js';

/** `npm run fuzz:api` makes ten thousand; SONDE_FUZZ_SEED makes others. */
const REQUESTS = Number(process.env.SONDE_FUZZ_REQUESTS ?? 1000);
const SEED = Number(process.env.SONDE_FUZZ_SEED ?? 1);

/** Timeout of a request, generous for a busy machine. */
const HUNG_MS = 60_000;

const limits = {
  requests: { burst: Infinity, perSecond: 1 },
  waiting: 10_000,
  streams: 10_000,
  querySeconds: 10,
} as const;

/** A client: one with access to everything, and one with access to one namespace. */
interface Client {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

let api: TestApi;
let scoped: QueryApi;
let clients: readonly Client[];
let document: ApiDocument;

beforeAll(async () => {
  api = await startTestApi({ limits });
  await fillStore(api.store, storeVariants[0]);
  document = JSON.parse((await api.get('/api/v1/openapi.json')).text) as ApiDocument;
  const token = 'reader';
  scoped = await startQueryApi({
    ...{ store: api.store, port: 0, registry: new Registry(), log: createLogger('test', 'silent'), limits },
    security: securityOf({ [token]: [viewOf(['shop'])] }),
  });
  clients = [
    { url: api.url, headers: {} },
    { url: scoped.url, headers: { authorization: `Bearer ${token}` } },
  ];
});

afterAll(async () => {
  await scoped.close();
  await api.close();
});

/** Cursors that the API returned. */
async function returnedCursors(): Promise<GivenCursor[]> {
  const given: GivenCursor[] = [];
  for (const path of ['/api/v1/flows', '/api/v1/dns']) {
    for (const order of ['newest', 'oldest']) {
      const target = `${path}?from=${DAY}&to=2026-03-02T00:00:00Z&limit=1&order=${order}`;
      const { next } = (await api.get(target)).body;
      expect(next, target).toBeTypeOf('string');
      given.push({ path, target, cursor: next as string });
    }
  }
  return given;
}

describe(`${REQUESTS} random requests generated from the OpenAPI document`, () => {
  it('get responses that match the OpenAPI document, without server errors', async () => {
    const requests = new RandomRequests(document, SEED, await returnedCursors());
    const conformance = new Conformance(document);
    const statuses = new Map<number, number>();
    const failures: string[] = [];
    let left = REQUESTS;
    const sendAll = async () => {
      while (left > 0 && failures.length < 10) {
        const sent = requests.next();
        const client = clients[left-- % 2];
        if (!client) throw new Error('there are two clients');
        const answer = await send(client, sent).catch((error: unknown) => error as Error);
        const failure = answer instanceof Error ? answer.message : failureOf(sent, answer, conformance);
        if (failure !== undefined) failures.push(`${failure}\n  ${JSON.stringify(sent)}`);
        if (!(answer instanceof Error)) statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 8 }, sendAll));
    expect(failures).toEqual([]);
    // The requests must be useful: many must pass validation.
    expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 5);
    expect(statuses.get(400)).toBeGreaterThan(REQUESTS / 10);
  }, 1_800_000);

  it('leave the server healthy', async () => {
    expect((await api.get('/readyz')).status).toBe(200);
    const { body } = await api.get(
      '/api/v1/flows?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&limit=1000',
    );
    expect(body.flows).toHaveLength(240 + storeVariants[0].others);
  });
});

function failureOf(
  sent: RandomRequest,
  answer: ReceivedAnswer,
  conformance: Conformance,
): string | undefined {
  // The store may be busy with the queries of these requests, which readiness reports.
  const isBusy = sent.operationId === 'getReadyz' && answer.status === 503;
  if (answer.status >= 500 && !isBusy)
    return `${sent.operationId} returned ${answer.status}: ${JSON.stringify(answer.body)}`;
  return conformance.violation(sent.method, sent.target, answer);
}

/** Sends a request unchanged. Waits only for the start of a live stream, which has no end. */
function send(
  client: Client,
  { method, target, headers: given, body }: RandomRequest,
): Promise<ReceivedAnswer> {
  const { hostname, port } = new URL(client.url);
  const headers = { ...given, ...client.headers };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: target, headers, timeout: HUNG_MS }, (response) => {
      const { statusCode: status = 0 } = response;
      const type = response.headers['content-type'] ?? null;
      if (type?.startsWith('text/event-stream')) {
        sent.destroy();
        resolve({ status, type, body: undefined });
        return;
      }
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /[/+]json/.test(type ?? '') && text !== '';
        resolve({ status, type, body: isJson ? (JSON.parse(text) as unknown) : text });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no response in ${HUNG_MS} ms`)));
    sent.on('error', reject);
    sent.end(method === 'POST' ? body : undefined);
  });
}
