import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import type { Grant } from '../access/access.js';
import { type QueryApi, type QueryApiOptions, startQueryApi } from '../server.js';
import { type ApiDocument, Conformance } from './conformance.js';
import { stubStore } from './stub-store.js';

/** Somebody who asks an API. Every answer is held to the API's description. */
export interface TestClient {
  get(target: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  post(target: string, body: unknown): Promise<Answer>;
  /** Asks for a stream, which is not read here. */
  open(target: string, signal: AbortSignal): Promise<Response>;
}

/** An API on an empty store of its own, for tests. Who uses it without more ado may do everything. */
export interface TestApi extends TestClient {
  readonly store: FlowStore;
  readonly url: string;
  /** What the API finds wrong with a question, as it must be wrong. */
  errors(target: string): Promise<unknown>;
  /** The same API for somebody who may view these namespaces, or do what these grants give. */
  as(who: readonly string[] | readonly Grant[]): TestClient;
  close(): Promise<void>;
}

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
  /** The body if it is JSON, else an empty object. */
  readonly body: Record<string, unknown> & {
    flows: Record<string, unknown>[];
    lookups: Record<string, unknown>[];
  };
}

const log = createLogger('test', 'silent');

/** What tests may choose of a server's options. */
export type TestApiOptions = Omit<QueryApiOptions, 'store' | 'port' | 'registry' | 'log' | 'security'>;

export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-api-'));
  const store = await openChdbStore({ directory, log });
  await store.migrate();
  const started: Promise<QueryApi>[] = [];
  const start = (security?: QueryApiOptions['security']) => {
    const registry = new Registry();
    const api = startQueryApi({ ...options, ...(security && { security }), store, port: 0, registry, log });
    started.push(api);
    return api;
  };
  const api = await start();
  const client = clientOf(Promise.resolve(api));
  return {
    store,
    url: api.url,
    ...client,
    async errors(target) {
      const { status, type, body } = await client.get(target);
      expect({ status, type }).toEqual({ status: 400, type: 'application/problem+json; charset=utf-8' });
      expect(body).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400 });
      return body['errors'];
    },
    as: (who) => clientOf(start(securityOf(who)), { authorization: `Bearer ${TOKEN}` }),
    async close() {
      for (const one of started) await (await one).close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

const TOKEN = 'reader';

/** One token that gives what is asked for, each grant by a role of its own. */
function securityOf(who: readonly string[] | readonly Grant[]): NonNullable<QueryApiOptions['security']> {
  const grants = who.map((one): Grant =>
    typeof one === 'string' ? { rights: ['view'], namespaces: [one] } : one,
  );
  const groups = ['readers'];
  return {
    tokens: [{ name: 'reader', sha256: createHash('sha256').update(TOKEN).digest('hex'), groups }],
    roles: grants.map((grant, index) => ({ name: `role-${index}`, groups, ...grant })),
  };
}

/** What an API answers whose store fails at every query. */
export async function answerOfFailingStore(error: Error, target: string): Promise<Answer> {
  const store = stubStore(() => Promise.reject(error));
  const api = await startQueryApi({ store, port: 0, registry: new Registry(), log });
  try {
    return await clientOf(Promise.resolve(api)).get(target);
  } finally {
    await api.close();
  }
}

/** What is sent besides the target. */
interface Sent {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

function clientOf(api: Promise<QueryApi>, identity: Readonly<Record<string, string>> = {}): TestClient {
  let conformance: Promise<Conformance> | undefined;
  const ask = async (target: string, init: Sent) => {
    const { url } = await api;
    const headers = { ...identity, ...init.headers };
    const answer = await read(await fetch(url + target, { ...init, headers }));
    conformance ??= fetch(`${url}/api/v1/openapi.json`, { headers: identity }).then(
      async (response) => new Conformance((await response.json()) as ApiDocument),
    );
    const violation = (await conformance).violation(init.method ?? 'GET', target, answer);
    if (violation !== undefined) throw new Error(`${violation}\n${answer.text.slice(0, 1000)}`);
    return answer;
  };
  return {
    open: async (target, signal) => fetch((await api).url + target, { headers: identity, signal }),
    get: (target, headers = {}) => ask(target, { headers: { ...headers } }),
    post: (target, body) =>
      ask(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const type = response.headers.get('content-type');
  const isJson = /^application\/(?:problem\+)?json(?:;|$)/.test(type ?? '');
  return {
    ...{ status: response.status, type, headers: response.headers, text },
    body: (isJson ? JSON.parse(text) : {}) as Answer['body'],
  };
}
