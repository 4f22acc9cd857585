import { createHash } from 'node:crypto';
import { createLogger } from '@sonde/backbone/logging';
import type { Right } from '@sonde/query/access/access';
import type { ApiDocument } from '../fixtures/openapi-conformance.js';
import { startQueryApi } from '@sonde/query-api/server';
import { startTestApi, type TestApi } from '../fixtures/test-api.js';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DAY, fillWorld, worlds } from './store-pair.js';

// Many questions a test, on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Who asks: nobody, a stranger whose token is not known, and people with roles. */
const roles = [
  'nobody',
  'unknown',
  'without role',
  'capturer',
  'viewer',
  'viewer of all',
  'admin of a namespace',
  'operator',
] as const;
type RoleName = (typeof roles)[number];

const day = `from=${DAY}&to=2026-03-02T00:00:00Z`;

/** A route: a question that is right, and who is answered. A route that is not in this list makes a test fail. */
interface Expected {
  readonly target?: string;
  readonly body?: object;
  readonly answered: readonly RoleName[];
}

const everybody = roles;
const known: readonly RoleName[] = [
  ...(['without role', 'capturer', 'viewer', 'viewer of all', 'admin of a namespace'] as const),
  'operator',
];
const viewers: readonly RoleName[] = ['viewer', 'viewer of all', 'operator'];

const expected: Readonly<Record<string, Expected>> = {
  'GET /healthz': { answered: everybody },
  'GET /readyz': { answered: everybody },
  'GET /api/v1/login': { answered: everybody },
  'GET /api/v1/whoami': { answered: known },
  'GET /api/v1/openapi.json': { answered: known },
  'GET /metrics': { answered: ['operator'] },
  'GET /api/v1/flows': { target: `/api/v1/flows?${day}`, answered: viewers },
  'GET /api/v1/dns': { target: `/api/v1/dns?${day}`, answered: viewers },
  'GET /api/v1/flows/live': { answered: viewers },
  'GET /api/v1/dns/live': { answered: viewers },
  'GET /api/v1/fields': { answered: known },
  'GET /api/v1/fields/{field}/values': { target: `/api/v1/fields/action/values?${day}`, answered: viewers },
  'POST /api/v1/query': { body: { metrics: [{ function: 'count' }] }, answered: viewers },
  'GET /api/v1/graph': { target: `/api/v1/graph?${day}`, answered: viewers },
  'GET /api/v1/policies': { target: `/api/v1/policies?cluster=lab&${day}`, answered: viewers },
  'GET /api/v1/policies/applying': {
    target: `/api/v1/policies/applying?cluster=lab&namespace=shop&name=web&${day}`,
    answered: viewers,
  },
  'GET /api/v1/policies/changes': {
    target: `/api/v1/policies/changes?cluster=lab&${day}`,
    answered: viewers,
  },
  'POST /api/v1/policies/evaluate': {
    body: { cluster: 'lab', connections: [{ from: 'shop/web', to: '192.0.2.1', port: 443 }] },
    answered: viewers,
  },
  'POST /api/v1/policies/preview': { body: { cluster: 'lab' }, answered: viewers },
  'POST /api/v1/policies/suggest': { body: { cluster: 'lab', namespace: 'shop' }, answered: viewers },
  'GET /api/v1/workloads/{namespace}/{name}': {
    target: `/api/v1/workloads/shop/web?${day}`,
    answered: viewers,
  },
};

const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
const grants: Readonly<
  Partial<Record<RoleName, { rights: readonly Right[]; namespaces: 'all' | readonly string[] }>>
> = {
  capturer: { rights: ['capture', 'download'], namespaces: ['shop'] },
  viewer: { rights: ['view'], namespaces: ['shop'] },
  'viewer of all': { rights: ['view'], namespaces: 'all' },
  'admin of a namespace': { rights: ['admin'], namespaces: ['shop'] },
  operator: { rights: ['view', 'capture', 'download', 'admin'], namespaces: 'all' },
};

let open: TestApi;
let api: { url: string; close(): Promise<void> };
let document: ApiDocument;

beforeAll(async () => {
  open = await startTestApi();
  await fillWorld(open.store, worlds[0]);
  document = JSON.parse((await open.get('/api/v1/openapi.json')).text) as ApiDocument;
  api = await startQueryApi({
    ...{ store: open.store, port: 0, registry: new Registry(), log: createLogger('test', 'silent') },
    security: {
      tokens: known.map((name) => ({ name: tokenOf(name), sha256: sha256(tokenOf(name)), groups: [name] })),
      roles: Object.entries(grants).map(([name, grant]) => ({ name, groups: [name], ...grant })),
    },
  });
});

afterAll(async () => {
  await api.close();
  await open.close();
});

function tokenOf(role: RoleName): string {
  return role.replaceAll(' ', '-');
}

async function statusFor(role: RoleName, route: string, { target, body }: Expected): Promise<number> {
  const [method = '', path = ''] = route.split(' ');
  const leaving = new AbortController();
  const response = await fetch(api.url + (target ?? path), {
    method,
    signal: leaving.signal,
    headers: {
      ...(role !== 'nobody' && { authorization: `Bearer ${tokenOf(role)}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify({ from: DAY, to: '2026-03-02T00:00:00Z', ...body }) }),
  });
  // A live stream has no end to wait for.
  leaving.abort();
  return response.status;
}

describe('every route', () => {
  it('is covered by this test', () => {
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(Object.keys(expected).sort()).toEqual(routes.sort());
  });

  it.each(Object.entries(expected))(
    '%s answers only clients with the required role',
    async (route, question) => {
      for (const role of roles) {
        const refused = role === 'nobody' || role === 'unknown' ? 401 : 403;
        const status = question.answered.includes(role) ? 200 : refused;
        expect(await statusFor(role, route, question), role).toBe(status);
      }
    },
  );

  it.each(Object.entries(expected).filter(([route]) => route.startsWith('GET ')))(
    '%s is not answered by HEAD, not even to whom it is otherwise',
    async (route, question) => {
      for (const role of roles) {
        const refused = role === 'nobody' || role === 'unknown' ? 401 : 403;
        const status = viewers.includes(role) ? 404 : refused;
        expect(await statusFor(role, route.replace('GET', 'HEAD'), question), role).toBe(status);
      }
    },
  );

  it('that does not exist returns 404 only to clients with a role', async () => {
    for (const [role, status] of [
      ['nobody', 401],
      ['unknown', 401],
      ['capturer', 403],
      ['viewer', 404],
    ] as const) {
      expect(await statusFor(role, 'GET /api/v1/captures', { answered: [] }), role).toBe(status);
    }
  });
});
