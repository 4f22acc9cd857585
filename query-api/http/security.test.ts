import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { describe, expect, it, vi } from 'vitest';
import { buildCertificate } from '@sonde/test/builders/certificate';
import { sha256 } from '@sonde/test/builders/security';
import { A_MINUTE, apiLog, bearer, security, startApi, startServer } from '@sonde/test/fixtures/secured-api';

// Many servers are started, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

describe('the server', () => {
  it('does not listen beyond loopback without authentication', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'localhost.example.com']) {
      await expect(startApi({ host })).rejects.toThrow('without authentication');
    }
  });

  it('does not listen beyond loopback without encryption', async () => {
    await expect(startApi({ host: '0.0.0.0', security })).rejects.toThrow('without a certificate');
    expect(await startApi({ host: '0.0.0.0', security, tls: 'elsewhere' })).toMatch(/^http:/);
  });

  it('does not start with an invalid access configuration, and reports all errors', async () => {
    const invalid = {
      tokens: [{ name: 'x', sha256: 'secret', groups: [] }],
      roles: [{ name: 'r', groups: ['g'], rights: [], namespaces: 'all' as const }],
    };
    await expect(startApi({ security: invalid })).rejects.toThrow(/token x: .*; role r has no rights/);
    const provider = { issuer: 'https://id.example.com', allowedAudiences: ['sonde'] };
    const duplicate = {
      ...security,
      openIdProviders: [provider, { ...provider, allowedAudiences: ['other'] }],
    };
    await expect(startApi({ security: duplicate })).rejects.toThrow(
      'https://id.example.com: duplicate issuer',
    );
    await expect(startApi({ security: { roles: [] } })).rejects.toThrow('no authentication method');
  });

  it('without authentication accepts only requests with a local host name', async () => {
    const { port } = new URL(await startApi());
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        const target = { port, path: '/api/v1/whoami', headers: { host } };
        http
          .get({ ...target, hostname: '127.0.0.1' }, (response) => resolve(response.resume().statusCode))
          .on('error', reject);
      });
    for (const host of [
      'localhost',
      `localhost:${port}`,
      '127.0.0.1',
      '127.3.2.1:80',
      '[::1]:80',
      'LOCALHOST',
    ]) {
      expect(await statusFor(host), host).toBe(200);
    }
    for (const host of ['attacker.example.com', `127.0.0.1.example.com:${port}`, '192.0.2.1', '127.1']) {
      expect(await statusFor(host), host).toBe(421);
    }
  });
});

describe('without authentication, a browser', () => {
  const statusFor = async (headers: Record<string, string>) => {
    const url = await startApi();
    const { port } = new URL(url);
    return new Promise((resolve, reject) => {
      const target = { port, path: '/api/v1/whoami', headers: { host: `localhost:${port}`, ...headers } };
      http
        .get({ ...target, hostname: '127.0.0.1' }, (response) => resolve(response.resume().statusCode))
        .on('error', reject);
    });
  };

  it.each<Record<string, string>>([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://www.example.com' },
    { origin: 'http://localhost:3000' },
    { origin: 'http://localhost' },
    { origin: 'null' },
    { 'sec-fetch-site': 'same-origin', origin: 'https://www.example.com' },
  ])('cannot send requests from a page of another origin: %j', async (headers) => {
    expect(await statusFor(headers)).toBe(403);
  });

  it.each<Record<string, string>>([{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }])(
    'can send requests of its user: %j',
    async (headers) => {
      expect(await statusFor(headers)).toBe(200);
    },
  );

  it('can send requests from a page of this server', async () => {
    const url = await startApi();
    expect((await fetch(`${url}/api/v1/whoami`, { headers: { origin: url } })).status).toBe(200);
  });
});

describe('authentication', () => {
  it('identifies the client by a token', async () => {
    const url = await startApi({ security });
    const answer = await fetch(`${url}/api/v1/whoami`, bearer('shop-token'));
    expect(await answer.json()).toEqual({
      subject: 'token:shop',
      rights: { view: ['shop'], capture: [], download: [], admin: [] },
    });
    const admin = await fetch(`${url}/api/v1/whoami`, bearer('admin-token'));
    expect(await admin.json()).toMatchObject({ rights: { view: 'all', admin: 'all' } });
  });

  it.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['no scheme', { authorization: 'shop-token' }],
    ['another scheme', { authorization: `Basic ${Buffer.from('a:shop-token').toString('base64')}` }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['two tokens', { authorization: 'Bearer shop-token admin-token' }],
    ['an unknown token', { authorization: 'Bearer shop-token2' }],
    ['the hash of a token', { authorization: `Bearer ${sha256('shop-token')}` }],
    ['a token with invalid characters', { authorization: "Bearer shop-token'--" }],
    ['a token that is too long', { authorization: `Bearer ${'a'.repeat(10_000)}` }],
    ['an unsigned token', { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.' }],
    [
      'an identity in another header',
      { 'x-forwarded-user': 'admin', 'x-remote-user': 'admin', cookie: 'token=shop-token' },
    ],
  ])('rejects %s on every path', async (_what, headers) => {
    const url = await startApi({ security });
    for (const target of [
      '/api/v1/flows',
      '/api/v1/whoami',
      '/metrics',
      '/nothing',
      '/api/v1/openapi.json',
    ]) {
      const answer = await fetch(url + target, { headers });
      expect(answer.status, target).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
      expect(await answer.json()).toMatchObject({ code: 'SONDE_UNAUTHENTICATED' });
    }
  });

  it('without a role allows only whoami', async () => {
    const url = await startApi({ security });
    expect((await fetch(`${url}/api/v1/whoami`, bearer('nobody-token'))).status).toBe(200);
    for (const target of ['/api/v1/flows', '/metrics', '/nothing']) {
      expect((await fetch(url + target, bearer('nobody-token'))).status, target).toBe(403);
    }
  });

  it('with rights in some namespaces does not allow the metrics of the server', async () => {
    const url = await startApi({ security });
    expect((await fetch(`${url}/metrics`, bearer('shop-token'))).status).toBe(403);
    expect((await fetch(`${url}/metrics`, bearer('admin-token'))).status).toBe(200);
  });

  it('is not required for health checks and login methods', async () => {
    const url = await startApi({
      security: {
        ...security,
        openIdProviders: [
          { issuer: 'https://id.example.com', allowedAudiences: ['sonde'], clientId: 'sonde-cli' },
        ],
      },
    });
    for (const target of ['/healthz', '/readyz']) expect((await fetch(url + target)).status).toBe(200);
    expect(await (await fetch(`${url}/api/v1/login`)).json()).toEqual({
      required: true,
      openIdProviders: [{ issuer: 'https://id.example.com', clientId: 'sonde-cli' }],
      staticTokens: true,
      kubernetes: false,
    });
  });

  it('reports an unreachable provider as a server error', async () => {
    const issuer = 'http://127.0.0.1:9';
    const url = await startApi({
      security: { ...security, openIdProviders: [{ issuer, allowedAudiences: ['sonde'] }] },
    });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'RS256' })}.${part({ iss: issuer })}.c2lnbmVk`;
    expect((await fetch(`${url}/api/v1/whoami`, bearer(token))).status).toBe(503);
  });
});

describe('every response', () => {
  it.each(['/healthz', '/api/v1/whoami', '/nothing', '/api/v1/flows?limit=x'])(
    'to %s is marked as data only',
    async (target) => {
      const answer = await fetch((await startApi()) + target, {
        headers: { origin: 'https://www.example.com' },
      });
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    },
  );

  it('to a CORS preflight denies access', async () => {
    const answer = await fetch(`${await startApi()}/api/v1/flows`, {
      method: 'OPTIONS',
      headers: { origin: 'https://www.example.com', 'access-control-request-method': 'GET' },
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('has a request id, that of the client if it is harmless', async () => {
    const url = `${await startApi()}/healthz`;
    const idFor = async (given: string) =>
      (await fetch(url, { headers: { 'x-request-id': given } })).headers.get('x-request-id');
    expect(await idFor('trace-1.2:3')).toBe('trace-1.2:3');
    for (const bad of ['a b', '<script>', 'a'.repeat(65), ''])
      expect(await idFor(bad)).toMatch(/^[\da-f-]{36}$/);
  });

  it('that is cacheable has an ETag, and is not sent again to clients that have it', async () => {
    const url = `${await startApi()}/api/v1/openapi.json`;
    const first = await fetch(url);
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    for (const header of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await fetch(url, { headers: { 'if-none-match': header } });
      expect({ status: again.status, body: await again.text() }).toEqual({ status: 304, body: '' });
    }
    expect((await fetch(url, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });
});

describe('a request body', () => {
  const post = async (body: string, type = 'application/json') => {
    const url = `${await startApi({ limits: { bodyBytes: 10_000 } })}/api/v1/query`;
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      body: (await answer.json()) as object,
    };
  };

  it.each<[string, string, string, number]>([
    ['that is too long', `"${'a'.repeat(10_000)}"`, 'application/json', 413],
    ['that is not JSON', '{"a":', 'application/json', 400],
    ['that is empty', '', 'application/json', 400],
    ['that is nested too deep', '['.repeat(4000) + ']'.repeat(4000), 'application/json', 400],
    ['with objects nested too deep', '{"a":'.repeat(1500) + '1' + '}'.repeat(1500), 'application/json', 400],
    ['that changes prototypes', '{"__proto__":{"a":1}}', 'application/json', 400],
    ['that changes constructors', '{"constructor":{"prototype":{"a":1}}}', 'application/json', 400],
    ['that is text', '{}', 'text/plain', 415],
    ['that is a form', 'a=b', 'application/x-www-form-urlencoded', 415],
  ])('%s is rejected with a problem', async (_what, text, type, status) => {
    expect(await post(text, type)).toMatchObject({
      status,
      type: 'application/problem+json; charset=utf-8',
      body: { status },
    });
  });

  it('with very many errors gets a limited list of them', async () => {
    const { body } = await post(JSON.stringify({ metrics: Array.from({ length: 900 }, () => ({})) }));
    expect((body as { errors: object[] }).errors).toHaveLength(50);
  });

  it('can contain any number of brackets in strings', async () => {
    const answer = await post(JSON.stringify({ filter: '[{"\\'.repeat(300) }));
    expect(answer.body).not.toMatchObject({ detail: expect.stringContaining('deep') as string });
  });
});

describe('a certificate', () => {
  it('encrypts connections and is reloaded when it is renewed', async () => {
    const directory = temporaryDirectory('tls');
    const tls = { certificate: path.join(directory, 'tls.crt'), key: path.join(directory, 'tls.key') };
    const write = (name: string) => {
      const { certificate, key } = buildCertificate(name);
      writeFileSync(tls.key, key);
      writeFileSync(tls.certificate, certificate);
    };
    write('first');
    const url = await startApi({ tls, tlsPollMs: 50 });
    expect(url).toMatch(/^https:/);
    const seen = () =>
      new Promise<{ name: unknown; status: number | undefined; strict: unknown }>((resolve, reject) => {
        const options = { rejectUnauthorized: false, agent: false };
        const request = https.get(`${url}/healthz`, options, (response) => {
          const { socket } = response;
          if (!(socket instanceof TLSSocket)) throw new Error('the server does not encrypt');
          const { CN } = socket.getPeerCertificate().subject;
          const { statusCode, headers } = response;
          void text(response).then(() =>
            resolve({ name: CN, status: statusCode, strict: headers['strict-transport-security'] }),
          );
        });
        request.on('error', reject);
      });
    expect(await seen()).toEqual({ name: 'first', status: 200, strict: 'max-age=31536000' });

    const logged = vi.spyOn(apiLog, 'error');
    writeFileSync(tls.certificate, 'damaged');
    await vi.waitUntil(() => logged.mock.calls.length > 0, A_MINUTE);
    expect(await seen()).toMatchObject({ name: 'first' });
    write('second');
    await vi.waitUntil(async () => (await seen()).name === 'second', A_MINUTE);
  });

  it('that does not exist prevents the start', async () => {
    const tls = { certificate: '/nonexistent/tls.crt', key: '/nonexistent/tls.key' };
    await expect(startApi({ tls })).rejects.toThrow('/nonexistent/tls.crt');
  });
});

describe('a reload of the access configuration', () => {
  it('rejects removed tokens and accepts new ones at once', async () => {
    const api = await startServer({ security });
    const statusOf = async (token: string) => (await fetch(`${api.url}/api/v1/whoami`, bearer(token))).status;
    expect([await statusOf('shop-token'), await statusOf('new-token')]).toEqual([200, 401]);
    const tokens = [{ name: 'new', sha256: sha256('new-token'), groups: ['team-shop'] }];
    api.reload({ ...security, tokens });
    expect([await statusOf('shop-token'), await statusOf('new-token')]).toEqual([401, 200]);
    expect(() => api.reload({ roles: [] })).toThrow('no authentication method');
    expect(await statusOf('new-token')).toBe(200);
  });

  it('ends the live streams of clients whose access changed, and no others', async () => {
    const api = await startServer({ security });
    const view = async (token: string) => {
      const { status, body } = await fetch(`${api.url}/api/v1/flows/live`, bearer(token));
      expect(status).toBe(200);
      let hasEnded = false;
      void body?.pipeTo(new WritableStream()).finally(() => (hasEnded = true));
      return () => hasEnded;
    };
    const [shop, admin] = [await view('shop-token'), await view('admin-token')];
    const roles = security.roles.map((role) =>
      role.name === 'shop' ? { ...role, namespaces: ['blog'] } : role,
    );
    api.reload({ ...security, roles });
    await vi.waitUntil(shop, A_MINUTE);
    expect(admin()).toBe(false);
  });

  it('is refused by an API without authentication', async () => {
    const api = await startServer();
    expect(() => api.reload(security)).toThrow('without authentication');
  });
});
