import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenRefused } from './identity.js';
import {
  claimsIssuer,
  openIdConnect,
  type OpenIdProvider,
  openIdProviderProblems,
} from './openid-connect.js';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** An OpenID provider with discovery and keys, and nothing else. */
class FakeProvider {
  readonly #server: Server = createServer((request, response) => {
    this.requests.push(request.url ?? '');
    if (this.isAway) {
      response.writeHead(500).end();
      return;
    }
    const answer = request.url === '/keys' ? { keys: this.publicKeys } : this.discovery;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  readonly requests: string[] = [];
  publicKeys: object[] = [];
  isAway = false;
  discovery: object = {};
  issuer = '';

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    this.discovery = { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` };
  }

  /** Publishes a new key in place of the former ones. */
  async newKey(kid: string, algorithm = 'ES256'): Promise<KeyPair> {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    this.publicKeys = [{ ...(await exportJWK(pair.publicKey)), kid, alg: algorithm }];
    return pair;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let provider: FakeProvider;
let key: KeyPair;

beforeEach(async () => {
  provider = new FakeProvider();
  await provider.start();
  key = await provider.newKey('first');
});

afterEach(() => provider.stop());

interface Signing {
  readonly pair?: KeyPair;
  readonly kid?: string;
  readonly algorithm?: string;
}

/** Claims in place of those that a good token has; undefined leaves one out. */
type Claims = { readonly [Name in keyof JWTPayload]: JWTPayload[Name] | undefined };

function signed(claims: Claims = {}, { pair = key, kid = 'first', algorithm = 'ES256' }: Signing = {}) {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: provider.issuer, aud: 'sonde', sub: 'ada', exp: now + 600, ...claims };
  return new SignJWT(all as JWTPayload).setProtectedHeader({ alg: algorithm, kid }).sign(pair.privateKey);
}

function recognizer(changed: Partial<OpenIdProvider> = {}) {
  return openIdConnect({ issuer: provider.issuer, audiences: ['sonde'], ...changed });
}

describe('a token of an OpenID provider', () => {
  it('tells who has it, until it expires', async () => {
    const exp = Math.floor(Date.now() / 1000) + 300;
    const token = await signed({ exp, groups: ['shop', 'everybody'] });
    expect(await recognizer({ clockToleranceSeconds: 0 })(token)).toEqual({
      subject: `oidc:${provider.issuer}#ada`,
      groups: ['shop', 'everybody'],
      untilMs: exp * 1000,
    });
  });

  it('may list groups in another claim, as one text, and with a prefix before them', async () => {
    const recognize = recognizer({ groupsClaim: 'team', groupsPrefix: 'id:' });
    expect(await recognize(await signed({ team: 'shop' }))).toMatchObject({ groups: ['id:shop'] });
    expect(await recognize(await signed({ team: ['a', 7, null] }))).toMatchObject({ groups: ['id:a'] });
    expect(await recognize(await signed())).toMatchObject({ groups: [] });
  });

  it.each(['RS256', 'PS256', 'EdDSA'])('may be signed by %s', async (algorithm) => {
    const pair = await provider.newKey('other', algorithm);
    const token = await signed({}, { pair, kid: 'other', algorithm });
    expect(await recognizer()(token)).toMatchObject({ subject: `oidc:${provider.issuer}#ada` });
  });

  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

  it.each<[string, () => Claims]>([
    ['for another audience', () => ({ aud: 'grafana' })],
    ['for no audience', () => ({ aud: [] })],
    ['of another issuer', () => ({ iss: 'https://id.example.com' })],
    ['that has expired', () => ({ exp: inSeconds(-90) })],
    ['that holds only later', () => ({ nbf: inSeconds(90) })],
    ['of nobody', () => ({ sub: undefined })],
    ['that never expires', () => ({ exp: undefined })],
  ])('%s is refused', async (_what, claims) => {
    await expect(recognizer()(await signed(claims()))).rejects.toThrow(TokenRefused);
  });

  it('is accepted if only the clocks differ, by no more than they may', async () => {
    const token = await signed({ exp: inSeconds(-30), nbf: inSeconds(30) });
    expect(await recognizer()(token)).toMatchObject({ subject: `oidc:${provider.issuer}#ada` });
    await expect(recognizer({ clockToleranceSeconds: 5 })(token)).rejects.toThrow(TokenRefused);
  });

  it('signed by a key that the provider does not publish is refused', async () => {
    const pair = await generateKeyPair('ES256');
    await expect(recognizer()(await signed({}, { pair }))).rejects.toThrow(TokenRefused);
    await expect(recognizer()(await signed({}, { pair, kid: 'unknown' }))).rejects.toThrow(TokenRefused);
  });

  it('that is not signed, or with the public key as a shared secret, is refused', async () => {
    const [, payload = ''] = (await signed()).split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    await expect(recognizer()(unsigned)).rejects.toThrow(TokenRefused);
    const secret = Buffer.from(JSON.stringify(provider.publicKeys[0]));
    const confused = await new SignJWT({ iss: provider.issuer, aud: 'sonde', sub: 'eve', exp: inSeconds(60) })
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .sign(secret);
    await expect(recognizer()(confused)).rejects.toThrow(TokenRefused);
  });

  it('whose algorithm is not one of those allowed is refused', async () => {
    await expect(recognizer({ algorithms: ['RS256'] })(await signed())).rejects.toThrow(TokenRefused);
  });

  it('that was changed is refused', async () => {
    const [header, , signature] = (await signed()).split('.');
    const claims = JSON.stringify({ iss: provider.issuer, aud: 'sonde', sub: 'eve', exp: inSeconds(60) });
    const forged = [header, Buffer.from(claims).toString('base64url'), signature].join('.');
    await expect(recognizer()(forged)).rejects.toThrow(TokenRefused);
  });
});

describe('a provider', () => {
  it('is asked once, not for every token', async () => {
    const recognize = recognizer();
    for (const sub of ['ada', 'eve', 'bob']) await recognize(await signed({ sub }));
    expect(provider.requests).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  it('may change its keys: a token of the new key is accepted, one of the old no more', async () => {
    const recognize = openIdConnect({ issuer: provider.issuer, audiences: ['sonde'] }, 0);
    const old = await signed();
    await recognize(old);
    const pair = await provider.newKey('second');
    const ada = { subject: `oidc:${provider.issuer}#ada` };
    expect(await recognize(await signed({}, { pair, kid: 'second' }))).toMatchObject(ada);
    await expect(recognize(old)).rejects.toThrow(TokenRefused);
  });

  it('is not asked for its keys again and again because tokens name keys it does not have', async () => {
    const recognize = recognizer();
    for (let i = 0; i < 5; i++) {
      await expect(recognize(await signed({}, { kid: `unknown-${i}` }))).rejects.toThrow(TokenRefused);
    }
    expect(provider.requests.filter((path) => path === '/keys')).toHaveLength(1);
  });

  it('that does not answer is no fault of the token', async () => {
    provider.isAway = true;
    await expect(recognizer()(await signed())).rejects.toThrow('answers 500');
    await expect(recognizer()(await signed())).rejects.not.toThrow(TokenRefused);
  });

  it('that speaks for another issuer is not believed', async () => {
    provider.discovery = { issuer: 'https://id.example.com', jwks_uri: `${provider.issuer}/keys` };
    await expect(recognizer()(await signed())).rejects.toThrow('speaks for another issuer');
  });

  it('whose keys would travel in the clear is not believed', async () => {
    provider.discovery = { issuer: provider.issuer, jwks_uri: 'http://id.example.com/keys' };
    await expect(recognizer()(await signed())).rejects.toThrow('no https URL of keys');
  });

  it('must be given an https issuer, audiences and signature algorithms', () => {
    expect(
      openIdProviderProblems({
        issuer: 'http://id.example.com',
        audiences: [],
        algorithms: ['HS256', 'none'],
        clockToleranceSeconds: 3600,
      }),
    ).toEqual([
      expect.stringContaining('must be an https URL'),
      expect.stringContaining('at least one audience'),
      expect.stringContaining('HS256'),
      expect.stringContaining('none'),
      expect.stringContaining('300 seconds'),
    ]);
    expect(openIdProviderProblems({ issuer: 'https://id.example.com', audiences: ['sonde'] })).toEqual([]);
  });
});

describe('the issuer that a token claims', () => {
  it('is read without believing it', async () => {
    expect(claimsIssuer(await signed(), provider.issuer)).toBe(true);
    expect(claimsIssuer(await signed(), 'https://id.example.com')).toBe(false);
    expect(claimsIssuer('no token', provider.issuer)).toBe(false);
  });
});
