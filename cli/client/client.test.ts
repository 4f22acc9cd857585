import { readFile, stat } from 'node:fs/promises';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logIn } from '../login/command.js';
import { ok, startStubServer, type StubServer } from '@sonde/test/fixtures/stub-server';
import { connect } from './connection.js';
import { EXIT } from './errors.js';
import { profilesFile, readProfiles, saveProfile } from './profiles.js';

let server: StubServer;
let url: string;
let home: string;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  server = await startStubServer();
  url = server.url;
  home = temporaryDirectory('client');
  environment = { XDG_CONFIG_HOME: home };
});

afterEach(async () => {
  await server.close();
});

describe('a client', () => {
  it('uses the server of the option, else of the profile, else the local one', async () => {
    expect((await connect({}, environment)).server).toBe('http://127.0.0.1:4180');
    await saveProfile(profilesFile(environment), 'work', { server: url, token: 'secret' });
    expect((await connect({}, environment)).server).toBe(url);
    expect((await connect({ server: 'http://192.0.2.1' }, environment)).server).toBe('http://192.0.2.1');
    await expect(connect({ profile: 'home' }, environment)).rejects.toThrow(/no profile "home": saved: work/);
  });

  it('sends the token of a profile to its server only, and SONDE_TOKEN to any', async () => {
    server.answer = () => ok({});
    await saveProfile(profilesFile(environment), 'work', { server: url, token: 'secret' });
    await (await connect({}, environment)).get('whoami');
    const other = url.replace('127.0.0.1', 'localhost');
    await (await connect({ server: other }, environment)).get('whoami');
    await (await connect({ server: other }, { ...environment, SONDE_TOKEN: 'given' })).get('whoami');
    expect(server.requests.map((line) => line.replace('GET /api/v1/whoami ', ''))).toEqual([
      'Bearer secret',
      'nobody',
      'Bearer given',
    ]);
  });

  it.each(['http://192.0.2.1:4180', 'http://127.0.0.1.example.com', 'http://sonde.example.com'])(
    'sends no token to %s over unencrypted HTTP, unless that is allowed',
    async (far) => {
      await saveProfile(profilesFile(environment), 'far', { server: far, token: 'secret' });
      await expect(connect({}, environment)).rejects.toThrow(/--insecure-http/);
      const given = { ...environment, SONDE_TOKEN: 'given' };
      await expect(connect({ server: far }, given)).rejects.toThrow(/--insecure-http/);
      expect((await connect({ insecureHttp: true }, environment)).server).toBe(far);
      await saveProfile(profilesFile(environment), 'far', {
        server: far,
        token: 'secret',
        insecureHttp: true,
      });
      expect((await connect({}, environment)).server).toBe(far);
    },
  );

  it.each(['https://sonde.example.com', 'http://localhost:1', 'http://127.8.9.1', 'http://[::1]:4180'])(
    'sends a token to %s',
    async (near) => {
      await saveProfile(profilesFile(environment), 'near', { server: near, token: 'secret' });
      expect((await connect({}, environment)).server).toBe(near);
    },
  );

  it.each([
    [401, EXIT.notAllowed, /requires a login \(why\): run `sonde login`/],
    [403, EXIT.notAllowed, /denies access: why/],
    [404, EXIT.refused, /refused: why/],
    [429, EXIT.failed, /failed: why/],
    [503, EXIT.failed, /failed: why/],
  ])('explains status %i and exits with %i', async (status, exitCode, message) => {
    server.answer = () => ({ status, body: { detail: 'why' } });
    const client = await connect({ server: url }, environment);
    await expect(client.get('flows')).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(message) as string,
    });
  });

  it('names invalid parameters and similar names', async () => {
    const errors = [{ parameter: 'filter', reason: 'there is no src.namspace', nearest: ['src.namespace'] }];
    server.answer = () => ({ status: 400, body: { detail: 'wrong', errors } });
    const client = await connect({ server: url }, environment);
    await expect(client.post('query', {})).rejects.toThrow(
      'filter: there is no src.namspace (did you mean src.namespace?)',
    );
  });

  it('reports a server that cannot be reached', async () => {
    const client = await connect({ server: 'http://127.0.0.1:9' }, environment);
    await expect(client.get('flows')).rejects.toMatchObject({ exitCode: EXIT.unreachable });
  });
});

describe('profiles', () => {
  it('are readable by their owner only, and one does not replace another', async () => {
    const file = profilesFile(environment);
    await saveProfile(file, 'one', { server: url, token: 'a' });
    await saveProfile(file, 'two', { server: url, token: 'b' });
    expect(await readProfiles(file)).toEqual({
      current: 'two',
      profiles: { one: { server: url, token: 'a' }, two: { server: url, token: 'b' } },
    });
    expect((await stat(file)).mode & 0o077).toBe(0);
  });
});

describe('a login', () => {
  const said: string[] = [];
  const surroundings = () => ({
    ...{ environment, say: (line: string) => said.push(line), pasted: undefined, secondMs: 1 },
    ask: () => Promise.resolve(' pasted \n'),
  });
  const whoami = ok({ subject: 'oidc:x#ada', rights: { view: ['storefront'] } });
  const ways = (more: object) =>
    ok({ required: true, openIdProviders: [], staticTokens: true, kubernetes: false, ...more });

  it('saves a token once the server accepts it', async () => {
    server.answer = (request) => (request.endsWith('/login') ? ways({}) : whoami);
    expect(await logIn({ server: url }, surroundings())).toContain('view namespaces storefront');
    expect(server.requests.at(-1)).toBe('GET /api/v1/whoami Bearer pasted');
    const { current, profiles } = await readProfiles(profilesFile(environment));
    expect([current, profiles]).toEqual(['default', { default: { server: url, token: 'pasted' } }]);
  });

  it('saves nothing if the server rejects the token', async () => {
    server.answer = (request) =>
      request.endsWith('/login') ? ways({}) : { status: 401, body: { detail: 'no' } };
    await expect(logIn({ server: url }, surroundings())).rejects.toMatchObject({ exitCode: EXIT.notAllowed });
    expect(await readProfiles(profilesFile(environment))).toEqual({ profiles: {} });
  });

  it('needs no token for a server without authentication', async () => {
    server.answer = (request) => (request.endsWith('/login') ? ways({ required: false }) : whoami);
    await logIn({ server: url, profile: 'lab' }, surroundings());
    expect((await readProfiles(profilesFile(environment))).profiles).toEqual({ lab: { server: url } });
  });

  it('waits in the device flow until the user confirms, and renews the token when it expires', async () => {
    const polls = ['authorization_pending', 'slow_down', undefined];
    server.answer = (request, form, headers) => {
      switch (request) {
        case 'GET /api/v1/login':
          return ways({ openIdProviders: [{ issuer: url, clientId: 'sonde' }] });
        case 'GET /.well-known/openid-configuration':
          return ok({
            issuer: url,
            token_endpoint: `${url}/token`,
            device_authorization_endpoint: `${url}/device`,
          });
        case 'POST /device':
          expect(form.get('client_id')).toBe('sonde');
          return ok({
            ...{
              device_code: 'd',
              user_code: 'ABCD',
              verification_uri: `${url}/go`,
              expires_in: 600,
              interval: 1,
            },
          });
        case 'POST /token': {
          if (form.get('grant_type') === 'refresh_token') {
            expect(form.get('refresh_token')).toBe('again');
            return ok({ id_token: 'second', expires_in: 3600 });
          }
          expect(form.get('device_code')).toBe('d');
          const error = polls.shift();
          if (error !== undefined) return { status: 400, body: { error } };
          return ok({ id_token: 'first', access_token: 'other', refresh_token: 'again', expires_in: 1 });
        }
        default:
          expect(headers.authorization).toMatch(/^Bearer (first|second)$/);
          return whoami;
      }
    };
    await logIn({ server: url }, surroundings());
    expect(said).toContain(`Open ${url}/go in a browser and enter the code ABCD`);
    expect(polls).toEqual([]);
    await (await connect({}, environment)).get('whoami');
    expect(server.requests.at(-1)).toBe('GET /api/v1/whoami Bearer second');
    const kept = JSON.parse(await readFile(profilesFile(environment), 'utf8')) as object;
    expect(kept).toMatchObject({
      profiles: { default: { token: 'second', renewal: { refreshToken: 'again' } } },
    });
  });

  it('reports a device flow that the provider refused', async () => {
    server.answer = (request) => {
      if (request.endsWith('/login')) return ways({ openIdProviders: [{ issuer: url, clientId: 'sonde' }] });
      if (request.startsWith('GET /.well-known')) {
        return ok({
          issuer: url,
          token_endpoint: `${url}/token`,
          device_authorization_endpoint: `${url}/device`,
        });
      }
      if (request === 'POST /device') {
        return ok({ device_code: 'd', user_code: 'A', verification_uri: url, expires_in: 600, interval: 1 });
      }
      return { status: 400, body: { error: 'access_denied' } };
    };
    await expect(logIn({ server: url }, surroundings())).rejects.toThrow(/refused the login: access_denied/);
  });

  it.each([
    [{ issuer: 'https://other.example.com' }, /is of another issuer: https:\/\/other\.example\.com/],
    [{ token_endpoint: 'http://192.0.2.1/token' }, /http:\/\/192\.0\.2\.1 .*--insecure-http/],
    [{ device_authorization_endpoint: 'http://192.0.2.1/device' }, /--insecure-http/],
    [{ revocation_endpoint: 'http://192.0.2.1/revoke' }, /--insecure-http/],
  ])('sends nothing to a provider whose discovery document says %o', async (claim, message) => {
    server.answer = (request) => {
      if (request.endsWith('/login')) return ways({ openIdProviders: [{ issuer: url, clientId: 'sonde' }] });
      const device_authorization_endpoint = `${url}/device`;
      return ok({ issuer: url, token_endpoint: `${url}/token`, device_authorization_endpoint, ...claim });
    };
    await expect(logIn({ server: url }, surroundings())).rejects.toThrow(message);
    expect(server.requests.at(-1)).toMatch(/^GET \/\.well-known/);
  });

  it('prompts for a token if the provider has no device flow', async () => {
    server.answer = (request) => {
      if (request.endsWith('/login')) return ways({ openIdProviders: [{ issuer: url, clientId: 'sonde' }] });
      return request.startsWith('GET /.well-known')
        ? ok({ issuer: url, token_endpoint: `${url}/token` })
        : whoami;
    };
    await logIn({ server: url }, surroundings());
    expect(server.requests.at(-1)).toBe('GET /api/v1/whoami Bearer pasted');
  });
});
