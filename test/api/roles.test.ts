import { createLogger } from '@sonde/backbone/logging';
import type { Grant } from '@sonde/query/access/access';
import type { ApiDocument } from '../fixtures/openapi-conformance.js';
import { startQueryApi } from '@sonde/query-api/server';
import { startTestApi, type TestApi } from '../fixtures/test-api.js';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { securityOf } from '../builders/security.js';
import { DAY, fillStore, storeVariants } from './store-pair.js';

// Many requests per test, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** The clients: without a token, with an unknown token, and with roles. */
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

/** A route: a valid request, and the clients that get a response. The test fails for routes that are not listed. */
interface Expected {
  readonly target?: string;
  readonly body?: object;
  readonly allowed: readonly RoleName[];
}

const everybody = roles;
const known: readonly RoleName[] = [
  ...(['without role', 'capturer', 'viewer', 'viewer of all', 'admin of a namespace'] as const),
  'operator',
];
const viewers: readonly RoleName[] = ['viewer', 'viewer of all', 'operator'];

const expected: Readonly<Record<string, Expected>> = {
  'GET /healthz': { allowed: everybody },
  'GET /readyz': { allowed: everybody },
  'GET /api/v1/login': { allowed: everybody },
  'GET /api/v1/whoami': { allowed: known },
  'GET /api/v1/openapi.json': { allowed: known },
  'GET /metrics': { allowed: ['operator'] },
  'GET /api/v1/flows': { target: `/api/v1/flows?${day}`, allowed: viewers },
  'GET /api/v1/dns': { target: `/api/v1/dns?${day}`, allowed: viewers },
  'GET /api/v1/flows/live': { allowed: viewers },
  'GET /api/v1/dns/live': { allowed: viewers },
  'GET /api/v1/fields': { allowed: known },
  'GET /api/v1/fields/{field}/values': { target: `/api/v1/fields/action/values?${day}`, allowed: viewers },
  'POST /api/v1/query': { body: { metrics: [{ function: 'count' }] }, allowed: viewers },
  'GET /api/v1/graph': { target: `/api/v1/graph?${day}`, allowed: viewers },
  'GET /api/v1/policies': { target: `/api/v1/policies?cluster=lab&${day}`, allowed: viewers },
  'GET /api/v1/policies/applying': {
    target: `/api/v1/policies/applying?cluster=lab&namespace=shop&name=web&${day}`,
    allowed: viewers,
  },
  'GET /api/v1/policies/changes': {
    target: `/api/v1/policies/changes?cluster=lab&${day}`,
    allowed: viewers,
  },
  'POST /api/v1/policies/evaluate': {
    body: { cluster: 'lab', connections: [{ from: 'shop/web', to: '192.0.2.1', port: 443 }] },
    allowed: viewers,
  },
  'POST /api/v1/policies/preview': { body: { cluster: 'lab' }, allowed: viewers },
  'POST /api/v1/policies/suggest': { body: { cluster: 'lab', namespace: 'shop' }, allowed: viewers },
  'GET /api/v1/workloads/{namespace}/{name}': {
    target: `/api/v1/workloads/shop/web?${day}`,
    allowed: viewers,
  },
};

const grants: Readonly<Partial<Record<RoleName, Grant>>> = {
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
  await fillStore(open.store, storeVariants[0]);
  document = JSON.parse((await open.get('/api/v1/openapi.json')).text) as ApiDocument;
  api = await startQueryApi({
    ...{ store: open.store, port: 0, registry: new Registry(), log: createLogger('test', 'silent') },
    security: securityOf(Object.fromEntries(known.map((role) => [tokenOf(role), grantsOf(role)]))),
  });
});

afterAll(async () => {
  await api.close();
  await open.close();
});

function grantsOf(role: RoleName): readonly Grant[] {
  const grant = grants[role];
  return grant ? [grant] : [];
}

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
    '%s accepts only clients with the required role',
    async (route, request) => {
      for (const role of roles) {
        const refused = role === 'nobody' || role === 'unknown' ? 401 : 403;
        const status = request.allowed.includes(role) ? 200 : refused;
        expect(await statusFor(role, route, request), role).toBe(status);
      }
    },
  );

  it.each(Object.entries(expected).filter(([route]) => route.startsWith('GET ')))(
    '%s does not support HEAD, for any client',
    async (route, request) => {
      for (const role of roles) {
        const refused = role === 'nobody' || role === 'unknown' ? 401 : 403;
        const status = viewers.includes(role) ? 405 : refused;
        expect(await statusFor(role, route.replace('GET', 'HEAD'), request), role).toBe(status);
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
      expect(await statusFor(role, 'GET /api/v1/captures', { allowed: [] }), role).toBe(status);
    }
  });
});
