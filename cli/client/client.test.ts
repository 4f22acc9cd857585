import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logIn } from '../login/command.js';
import { connect } from './connection.js';
import { EXIT } from './errors.js';
import { profilesFile, readProfiles, saveProfile } from './profiles.js';

interface Reply {
  readonly status: number;
  readonly body: object;
}

let server: Server;
let url: string;
let home: string;
let environment: NodeJS.ProcessEnv;
/** What the server answers, by method and path; and what it was asked. */
let answer: (request: string, form: URLSearchParams, headers: IncomingMessage['headers']) => Reply;
let asked: string[];

beforeEach(async () => {
  asked = [];
  answer = () => ({ status: 404, body: {} });
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const what = `${request.method ?? ''} ${request.url ?? ''}`;
      asked.push(`${what} ${request.headers.authorization ?? 'nobody'}`);
      const { status, body: told } = answer(what, new URLSearchParams(body), request.headers);
      const type = status < 400 ? 'application/json' : 'application/problem+json';
      response.writeHead(status, { 'content-type': type }).end(JSON.stringify(told));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  home = await mkdtemp(path.join(tmpdir(), 'sonde-client-'));
  environment = { XDG_CONFIG_HOME: home };
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(home, { recursive: true });
});

const ok = (body: object): Reply => ({ status: 200, body });

describe('a client', () => {
  it('asks the server of the option, else of the profile, else the local one', async () => {
    expect((await connect({}, environment)).server).toBe('http://127.0.0.1:4180');
    await saveProfile(profilesFile(environment), 'work', { server: url, token: 'secret' }, true);
    expect((await connect({}, environment)).server).toBe(url);
    expect((await connect({ server: 'http://192.0.2.1' }, environment)).server).toBe('http://192.0.2.1');
    await expect(connect({ profile: 'home' }, environment)).rejects.toThrow(
      /no profile "home" \(there are: work\)/,
    );
  });

  it('shows its token to the profile server only, and that of the environment to any', async () => {
    answer = () => ok({});
    await saveProfile(profilesFile(environment), 'work', { server: url, token: 'secret' }, true);
    await (await connect({}, environment)).get('whoami');
    const other = url.replace('127.0.0.1', 'localhost');
    await (await connect({ server: other }, environment)).get('whoami');
    await (await connect({ server: other }, { ...environment, SONDE_TOKEN: 'given' })).get('whoami');
    expect(asked.map((line) => line.replace('GET /api/v1/whoami ', ''))).toEqual([
      'Bearer secret',
      'nobody',
      'Bearer given',
    ]);
  });

  it.each([
    [401, EXIT.notAllowed, /does not know you \(why\): `sonde login`/],
    [403, EXIT.notAllowed, /does not let you do this: why/],
    [404, EXIT.refused, /refused: why/],
    [429, EXIT.failed, /cannot answer at present: why/],
    [503, EXIT.failed, /cannot answer at present: why/],
  ])('says of a refusal with %i what to do, and ends with %i', async (status, exitCode, message) => {
    answer = () => ({ status, body: { detail: 'why' } });
    const client = await connect({ server: url }, environment);
    await expect(client.get('flows')).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(message) as string,
    });
  });

  it('says which parameters were wrong, and what may have been meant', async () => {
    const errors = [{ parameter: 'filter', reason: 'there is no src.namspace', nearest: ['src.namespace'] }];
    answer = () => ({ status: 400, body: { detail: 'wrong', errors } });
    const client = await connect({ server: url }, environment);
    await expect(client.post('query', {})).rejects.toThrow(
      'filter: there is no src.namspace (did you mean src.namespace?)',
    );
  });

  it('says when nothing answers', async () => {
    const client = await connect({ server: 'http://127.0.0.1:9' }, environment);
    await expect(client.get('flows')).rejects.toMatchObject({ exitCode: EXIT.unreachable });
  });
});

describe('profiles', () => {
  it('are for their owner only, and one does not replace another', async () => {
    const file = profilesFile(environment);
    await saveProfile(file, 'one', { server: url, token: 'a' }, true);
    await saveProfile(file, 'two', { server: url, token: 'b' }, false);
    expect(await readProfiles(file)).toEqual({
      current: 'one',
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

  it('by a token keeps it, once the server knows it', async () => {
    answer = (request) => (request.endsWith('/login') ? ways({}) : whoami);
    expect(await logIn({ server: url }, surroundings())).toContain('you may view the namespaces storefront');
    expect(asked.at(-1)).toBe('GET /api/v1/whoami Bearer pasted');
    const { current, profiles } = await readProfiles(profilesFile(environment));
    expect([current, profiles]).toEqual(['default', { default: { server: url, token: 'pasted' } }]);
  });

  it('by a token that the server does not know keeps nothing', async () => {
    answer = (request) => (request.endsWith('/login') ? ways({}) : { status: 401, body: { detail: 'no' } });
    await expect(logIn({ server: url }, surroundings())).rejects.toMatchObject({ exitCode: EXIT.notAllowed });
    expect(await readProfiles(profilesFile(environment))).toEqual({ profiles: {} });
  });

  it('to a server without authentication needs no token', async () => {
    answer = (request) => (request.endsWith('/login') ? ways({ required: false }) : whoami);
    await logIn({ server: url, profile: 'lab' }, surroundings());
    expect((await readProfiles(profilesFile(environment))).profiles).toEqual({ lab: { server: url } });
  });

  it('by device waits until somebody agrees, and renews the token when it expires', async () => {
    const polls = ['authorization_pending', 'slow_down', undefined];
    answer = (request, form, headers) => {
      switch (request) {
        case 'GET /api/v1/login':
          return ways({ openIdProviders: [{ issuer: url, clientId: 'sonde' }] });
        case 'GET /.well-known/openid-configuration':
          return ok({ token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device` });
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
    expect(asked.at(-1)).toBe('GET /api/v1/whoami Bearer second');
    const kept = JSON.parse(await readFile(profilesFile(environment), 'utf8')) as object;
    expect(kept).toMatchObject({
      profiles: { default: { token: 'second', renewal: { refreshToken: 'again' } } },
    });
  });

  it('by device that is refused says so', async () => {
    answer = (request) => {
      if (request.endsWith('/login')) return ways({ openIdProviders: [{ issuer: url, clientId: 'sonde' }] });
      if (request.startsWith('GET /.well-known')) {
        return ok({ token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device` });
      }
      if (request === 'POST /device') {
        return ok({ device_code: 'd', user_code: 'A', verification_uri: url, expires_in: 600, interval: 1 });
      }
      return { status: 400, body: { error: 'access_denied' } };
    };
    await expect(logIn({ server: url }, surroundings())).rejects.toThrow(/refused the login: access_denied/);
  });

  it('where the provider has no device flow asks for a token', async () => {
    answer = (request) => {
      if (request.endsWith('/login')) return ways({ openIdProviders: [{ issuer: url, clientId: 'sonde' }] });
      return request.startsWith('GET /.well-known') ? ok({ token_endpoint: `${url}/token` }) : whoami;
    };
    await logIn({ server: url }, surroundings());
    expect(asked.at(-1)).toBe('GET /api/v1/whoami Bearer pasted');
  });
});
