import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { profilesFile, readProfiles, saveProfile } from '../client/profiles.js';
import { logOut } from '../login/logout.js';
import { ok, startStubServer, type StubServer } from '@sonde/test/fixtures/stub-server';
import { chooseProfile, listProfiles, removeProfile, showProfile } from './command.js';

let provider: StubServer;
let home: string;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  provider = await startStubServer();
  home = temporaryDirectory('profile');
  environment = { XDG_CONFIG_HOME: home };
  const file = profilesFile(environment);
  const renewal = {
    tokenEndpoint: `${provider.url}/token`,
    clientId: 'sonde',
    refreshToken: 'again',
    expiresAtMs: 0,
  };
  await saveProfile(file, 'lab', { server: 'http://127.0.0.1:4180' });
  await saveProfile(file, 'east', { server: 'https://east.example.com', token: 'secret' });
  await saveProfile(file, 'west', {
    ...{ server: 'https://west.example.com', token: 'secret' },
    renewal: { ...renewal, revocationEndpoint: `${provider.url}/revoke` },
  });
});

afterEach(async () => {
  await provider.close();
});

const kept = () => readProfiles(profilesFile(environment));

describe('sonde profile', () => {
  it('lists servers and logins, without tokens', async () => {
    const host = new URL(provider.url).host;
    expect((await listProfiles('table', environment)).split('\n')).toEqual([
      '   PROFILE  SERVER                    LOGIN',
      '   lab      http://127.0.0.1:4180     none',
      '   east     https://east.example.com  token',
      `*  west     https://west.example.com  renewed by ${host}`,
    ]);
    const json = await listProfiles('json', environment);
    expect(JSON.parse(json)).toContainEqual({
      ...{ name: 'east', server: 'https://east.example.com', current: false, login: 'token' },
    });
    expect(json).not.toMatch(/secret|again/);
  });

  it('shows a profile without its token', async () => {
    const text = await showProfile('east', environment);
    expect(text).toMatch(/^Profile: +east\nServer: +https:\/\/east\.example\.com\nLogin: +token\nFile: /);
    expect(await showProfile(undefined, environment)).toMatch(/^Profile: +west \(current\)\n/);
  });

  it('selects the current profile', async () => {
    await chooseProfile('east', environment);
    expect((await kept()).current).toBe('east');
    await expect(chooseProfile('north', environment)).rejects.toThrow(
      /no profile "north": saved: lab, east, west/,
    );
    expect((await kept()).current).toBe('east');
  });

  it('removes a profile and revokes its token', async () => {
    const revoked: (string | null)[] = [];
    provider.answer = (request, form) => {
      revoked.push(request, form.get('token'), form.get('client_id'));
      return ok({});
    };
    expect(await removeProfile('west', environment)).toEqual([
      expect.stringMatching(/was the current profile/),
    ]);
    expect(revoked).toEqual(['POST /revoke', 'again', 'sonde']);
    const { current, profiles } = await kept();
    expect([current, Object.keys(profiles)]).toEqual([undefined, ['lab', 'east']]);
    await expect(removeProfile('west', environment)).rejects.toThrow(/no profile "west"/);
  });
});

describe('sonde logout', () => {
  it('removes the token of the current profile and keeps its server', async () => {
    provider.answer = () => ok({});
    expect(await logOut(undefined, environment)).toEqual([
      'Logged out of https://west.example.com (profile west).',
    ]);
    const { current, profiles } = await kept();
    expect([current, profiles['west']]).toEqual(['west', { server: 'https://west.example.com' }]);
    expect(profiles['east']?.token).toBe('secret');
  });

  it('reports a token that the provider did not revoke', async () => {
    provider.answer = () => ({ status: 503, body: {} });
    const [note] = await logOut('west', environment);
    expect(note).toMatch(/did not revoke the token \(status 503\)/);
    expect((await kept()).profiles['west']?.token).toBeUndefined();
  });

  it('reports a profile without a token', async () => {
    expect(await logOut('lab', environment)).toEqual(['Profile lab has no token.']);
  });
});
