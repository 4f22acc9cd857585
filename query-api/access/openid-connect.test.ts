import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenRejected } from './identity.js';
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

/** Claims that replace those of a valid token; undefined omits a claim. */
type Claims = { readonly [Name in keyof JWTPayload]: JWTPayload[Name] | undefined };

function signed(claims: Claims = {}, { pair = key, kid = 'first', algorithm = 'ES256' }: Signing = {}) {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: provider.issuer, aud: 'sonde', sub: 'ada', exp: now + 600, ...claims };
  return new SignJWT(all as JWTPayload).setProtectedHeader({ alg: algorithm, kid }).sign(pair.privateKey);
}

function verifier(changed: Partial<OpenIdProvider> = {}) {
  return openIdConnect({ issuer: provider.issuer, allowedAudiences: ['sonde'], ...changed });
}

describe('a token of an OpenID provider', () => {
  it('identifies its owner until it expires', async () => {
    const exp = Math.floor(Date.now() / 1000) + 300;
    const token = await signed({ exp, groups: ['shop', 'everybody'] });
    expect(await verifier({ clockToleranceMs: 0 })(token)).toEqual({
      subject: `oidc:${provider.issuer}#ada`,
      groups: ['shop', 'everybody'],
      untilMs: exp * 1000,
    });
  });

  it('can have groups in another claim, as a string, and with a prefix', async () => {
    const verify = verifier({ groupsClaim: 'team', groupsPrefix: 'id:' });
    expect(await verify(await signed({ team: 'shop' }))).toMatchObject({ groups: ['id:shop'] });
    expect(await verify(await signed({ team: ['a', 7, null] }))).toMatchObject({ groups: ['id:a'] });
    expect(await verify(await signed())).toMatchObject({ groups: [] });
  });

  it.each(['RS256', 'PS256', 'EdDSA'])('can be signed with %s', async (algorithm) => {
    const pair = await provider.newKey('other', algorithm);
    const token = await signed({}, { pair, kid: 'other', algorithm });
    expect(await verifier()(token)).toMatchObject({ subject: `oidc:${provider.issuer}#ada` });
  });

  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

  it.each<[string, () => Claims]>([
    ['for another audience', () => ({ aud: 'grafana' })],
    ['for no audience', () => ({ aud: [] })],
    ['of another issuer', () => ({ iss: 'https://id.example.com' })],
    ['that has expired', () => ({ exp: inSeconds(-90) })],
    ['that is not valid yet', () => ({ nbf: inSeconds(90) })],
    ['without a subject', () => ({ sub: undefined })],
    ['with an empty subject', () => ({ sub: '' })],
    ['without an expiry', () => ({ exp: undefined })],
  ])('%s is rejected', async (_what, claims) => {
    await expect(verifier()(await signed(claims()))).rejects.toThrow(TokenRejected);
  });

  it('is accepted within the clock tolerance', async () => {
    const token = await signed({ exp: inSeconds(-30), nbf: inSeconds(30) });
    expect(await verifier()(token)).toMatchObject({ subject: `oidc:${provider.issuer}#ada` });
    await expect(verifier({ clockToleranceMs: 5000 })(token)).rejects.toThrow(TokenRejected);
  });

  it('signed with an unpublished key is rejected', async () => {
    const pair = await generateKeyPair('ES256');
    await expect(verifier()(await signed({}, { pair }))).rejects.toThrow(TokenRejected);
    await expect(verifier()(await signed({}, { pair, kid: 'unknown' }))).rejects.toThrow(TokenRejected);
  });

  it('that is unsigned, or signed with the public key as a shared secret, is rejected', async () => {
    const [, payload = ''] = (await signed()).split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    await expect(verifier()(unsigned)).rejects.toThrow(TokenRejected);
    const secret = Buffer.from(JSON.stringify(provider.publicKeys[0]));
    const confused = await new SignJWT({ iss: provider.issuer, aud: 'sonde', sub: 'eve', exp: inSeconds(60) })
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .sign(secret);
    await expect(verifier()(confused)).rejects.toThrow(TokenRejected);
  });

  it('signed with an algorithm that is not allowed is rejected', async () => {
    await expect(verifier({ allowedAlgorithms: ['RS256'] })(await signed())).rejects.toThrow(TokenRejected);
  });

  it('that was modified is rejected', async () => {
    const [header, , signature] = (await signed()).split('.');
    const claims = JSON.stringify({ iss: provider.issuer, aud: 'sonde', sub: 'eve', exp: inSeconds(60) });
    const forged = [header, Buffer.from(claims).toString('base64url'), signature].join('.');
    await expect(verifier()(forged)).rejects.toThrow(TokenRejected);
  });
});

describe('an OpenID provider', () => {
  it('is called once, not per token', async () => {
    const verify = verifier();
    for (const sub of ['ada', 'eve', 'bob']) await verify(await signed({ sub }));
    expect(provider.requests).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  it('can rotate its keys: tokens of the new key are accepted, those of the old one are not', async () => {
    const verify = openIdConnect({ issuer: provider.issuer, allowedAudiences: ['sonde'] }, 0);
    const old = await signed();
    await verify(old);
    const pair = await provider.newKey('second');
    const ada = { subject: `oidc:${provider.issuer}#ada` };
    expect(await verify(await signed({}, { pair, kid: 'second' }))).toMatchObject(ada);
    await expect(verify(old)).rejects.toThrow(TokenRejected);
  });

  it('is not called again for every token with an unknown key id', async () => {
    const verify = verifier();
    for (let i = 0; i < 5; i++) {
      await expect(verify(await signed({}, { kid: `unknown-${i}` }))).rejects.toThrow(TokenRejected);
    }
    expect(provider.requests.filter((path) => path === '/keys')).toHaveLength(1);
  });

  it('that fails does not make tokens invalid', async () => {
    provider.isAway = true;
    await expect(verifier()(await signed())).rejects.toThrow('responded with status 500');
    await expect(verifier()(await signed())).rejects.not.toThrow(TokenRejected);
  });

  it('whose discovery document names another issuer is not trusted', async () => {
    provider.discovery = { issuer: 'https://id.example.com', jwks_uri: `${provider.issuer}/keys` };
    await expect(verifier()(await signed())).rejects.toThrow('names another issuer');
  });

  it('whose keys are not served over https is not trusted', async () => {
    provider.discovery = { issuer: provider.issuer, jwks_uri: 'http://id.example.com/keys' };
    await expect(verifier()(await signed())).rejects.toThrow('no https URL as jwks_uri');
  });

  it('requires an https issuer, audiences and asymmetric algorithms', () => {
    expect(
      openIdProviderProblems({
        issuer: 'http://id.example.com',
        allowedAudiences: [],
        allowedAlgorithms: ['HS256', 'none'],
        clockToleranceMs: 3_600_000,
      }),
    ).toEqual([
      expect.stringContaining('must be an https URL'),
      expect.stringContaining('`allowedAudiences` is empty'),
      expect.stringContaining('HS256'),
      expect.stringContaining('none'),
      expect.stringContaining('at most 5m'),
    ]);
    expect(openIdProviderProblems({ issuer: 'https://id.example.com', allowedAudiences: ['sonde'] })).toEqual(
      [],
    );
  });
});

describe('the issuer that a token names', () => {
  it('is read without verification', async () => {
    expect(claimsIssuer(await signed(), provider.issuer)).toBe(true);
    expect(claimsIssuer(await signed(), 'https://id.example.com')).toBe(false);
    expect(claimsIssuer('not a token', provider.issuer)).toBe(false);
  });
});
