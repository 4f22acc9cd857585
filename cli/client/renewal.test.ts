import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok, startStubServer, type StubServer } from '@sonde/test/fixtures/stub-server';
import { connect } from './connection.js';
import { EXIT } from './errors.js';
import { profilesFile, readProfiles, saveProfile } from './profiles.js';
import { tokensOf } from './renewal.js';

let server: StubServer;
let home: string;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  server = await startStubServer();
  home = temporaryDirectory('renewal');
  environment = { XDG_CONFIG_HOME: home };
});

afterEach(async () => {
  await server.close();
});

const file = () => profilesFile(environment);
const renewal = () => ({
  tokenEndpoint: `${server.url}/token`,
  clientId: 'sonde',
  refreshToken: 'r0',
  expiresAtMs: 0,
});
const expired = () => saveProfile(file(), 'work', { server: server.url, token: 't0', renewal: renewal() });

/** A provider that accepts each refresh token once, and whose tokens expire after so many seconds. */
function rotating(lifeSeconds: number): void {
  let good = 0;
  server.answer = (request, form) => {
    if (request !== 'POST /token') return ok({});
    if (form.get('refresh_token') !== `r${good}`) return { status: 400, body: { error: 'invalid_grant' } };
    good += 1;
    return ok({ id_token: `t${good}`, refresh_token: `r${good}`, expires_in: lifeSeconds });
  };
}

describe('a token that has expired', () => {
  it('is renewed once by concurrent commands', async () => {
    rotating(3600);
    await expired();
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect({}, environment)));
    await Promise.all(clients.map((client) => client.get('whoami')));
    expect(server.requests.filter((line) => line.startsWith('POST /token'))).toHaveLength(1);
    expect(server.requests.filter((line) => line === 'GET /api/v1/whoami Bearer t1')).toHaveLength(5);
    expect((await readProfiles(file())).profiles['work']?.renewal?.refreshToken).toBe('r1');
  });

  it('is renewed whenever a long-lived client needs it', async () => {
    rotating(0);
    await expired();
    const client = await connect({}, environment);
    for (const token of ['t1', 't2', 't3']) {
      await client.get('whoami');
      expect(server.requests.at(-1)).toBe(`GET /api/v1/whoami Bearer ${token}`);
    }
  });

  it('is renewed although a process was killed while renewing it', async () => {
    rotating(3600);
    await expired();
    const { pid } = spawnSync('true');
    await writeFile(`${file()}.lock`, `${hostname()} ${pid}`);
    await (await connect({}, environment)).get('whoami');
    expect(server.requests.at(-1)).toBe('GET /api/v1/whoami Bearer t1');
  });

  it.each([
    [400, EXIT.notAllowed, /`sonde login`/],
    [503, EXIT.failed, /try again later/],
  ])('is an error of its own kind if the provider returns %i', async (status, exitCode, message) => {
    server.answer = () => ({ status, body: {} });
    await expired();
    const client = await connect({}, environment);
    await expect(client.get('whoami')).rejects.toMatchObject({
      ...{ exitCode, message: expect.stringMatching(message) as string },
    });
  });

  it('is kept while its provider cannot be reached', async () => {
    await saveProfile(file(), 'work', {
      ...{ server: server.url, token: 't0' },
      renewal: { ...renewal(), tokenEndpoint: 'http://127.0.0.1:9/token' },
    });
    const client = await connect({}, environment);
    await expect(client.get('whoami')).rejects.toMatchObject({ exitCode: EXIT.unreachable });
  });

  it('is not renewed by a login to another server that took its name', async () => {
    rotating(3600);
    await expired();
    const client = await connect({}, environment);
    await saveProfile(file(), 'work', { server: 'https://sonde.example.com', token: 'other' });
    await expect(client.get('whoami')).rejects.toMatchObject({ exitCode: EXIT.notAllowed });
    expect(server.requests).toEqual([]);
  });
});

describe('the lifetime of a token', () => {
  it('follows the claims of the ID token, not those of the access token', () => {
    const claims = Buffer.from(JSON.stringify({ iat: 1000, exp: 1300 })).toString('base64url');
    const before = Date.now();
    const tokens = tokensOf({ id_token: `x.${claims}.y`, refresh_token: 'r', expires_in: 86_400 }, renewal());
    const life = (tokens.renewal?.expiresAtMs ?? 0) - before;
    expect(Math.floor(life / 60_000)).toBe(5);
  });
});
