import {
  createRemoteJWKSet,
  decodeJwt,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import { type Identity, type RecognizeToken, TokenRefused } from './identity.js';
import { isLoopback } from './loopback.js';

/** An OpenID provider whose tokens are accepted. */
export interface OpenIdProvider {
  /** The issuer's URL; what else is needed is found below it (OpenID Connect Discovery 1.0 §4). */
  readonly issuer: string;
  /** Tokens must be meant for one of these. */
  readonly audiences: readonly string[];
  /** The claim that lists groups, a list or one text; `groups` by default. */
  readonly groupsClaim?: string;
  /** Put before each group, so that roles can tell them from groups of other origin; nothing by default. */
  readonly groupsPrefix?: string;
  /** Signature algorithms that are accepted; by default all of {@link SIGNATURE_ALGORITHMS}. */
  readonly algorithms?: readonly string[];
  /** By how much clocks may differ, in seconds; a minute by default. */
  readonly clockToleranceSeconds?: number;
  /** The client that people log in by with the command line, if they may. */
  readonly clientId?: string;
}

/** Signatures by key pairs (RFC 7518 §3.1, RFC 8037); a shared secret would let every holder write tokens. */
const SIGNATURE_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

/** How long the provider may take to answer. */
const ANSWER_MS = 5000;
/** After this time the discovery document is read again. */
const DISCOVERY_MS = 3_600_000;
/** After a failure nobody is sent to the provider for so long. */
const RETRY_MS = 5000;
/** Keys are read again no more often than this, however many tokens name keys that are not known. */
const KEYS_COOLDOWN_MS = 10_000;

/** Recognizes tokens of an OpenID provider: JSON Web Tokens that it signed (OpenID Connect Core 1.0 §3.1.3.7). */
export function openIdConnect(
  provider: OpenIdProvider,
  keysCooldownMs: number = KEYS_COOLDOWN_MS,
): RecognizeToken {
  const keys = discoveredKeys(provider.issuer, keysCooldownMs);
  const algorithms = [...(provider.algorithms ?? SIGNATURE_ALGORITHMS)];
  const { issuer, audiences, clockToleranceSeconds = 60 } = provider;
  return async (token) => {
    const key = await keys();
    try {
      const { payload } = await jwtVerify(token, key, {
        ...{ issuer, audience: [...audiences], algorithms },
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      });
      return identityOf(payload, provider);
    } catch (error) {
      throw refusalOf(error);
    }
  };
}

/** Whether a token says that it is of the issuer; it may lie, so this only chooses who looks at it. */
export function claimsIssuer(token: string, issuer: string): boolean {
  try {
    return decodeJwt(token).iss === issuer;
  } catch {
    // It is no JSON Web Token, so no issuer's.
    return false;
  }
}

/** What is wrong with a provider, each a sentence; empty if nothing is. */
export function openIdProviderProblems(provider: OpenIdProvider): string[] {
  const { issuer, audiences, algorithms = [], clockToleranceSeconds = 0 } = provider;
  const problems: string[] = [];
  if (!isSafeUrl(issuer)) problems.push('the issuer must be an https URL');
  if (audiences.length === 0) problems.push('at least one audience must be given');
  for (const algorithm of algorithms) {
    if (!(SIGNATURE_ALGORITHMS as readonly string[]).includes(algorithm)) {
      problems.push(`algorithm ${algorithm} is not one of ${SIGNATURE_ALGORITHMS.join(', ')}`);
    }
  }
  if (clockToleranceSeconds > 300) problems.push('clocks may differ by 300 seconds at most');
  return problems.map((problem) => `OpenID provider ${issuer}: ${problem}`);
}

function identityOf(payload: JWTPayload, provider: OpenIdProvider): Identity {
  const { groupsClaim = 'groups', groupsPrefix = '', clockToleranceSeconds = 60 } = provider;
  const claim = payload[groupsClaim];
  const groups = (Array.isArray(claim) ? claim : [claim]).filter((group) => typeof group === 'string');
  return {
    subject: `oidc:${provider.issuer}#${payload.sub ?? ''}`,
    groups: groups.map((group) => groupsPrefix + group),
    untilMs: ((payload.exp ?? 0) + clockToleranceSeconds) * 1000,
  };
}

/** What of jose's errors means that the token is bad; all else means that the provider is. */
function refusalOf(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new TokenRefused('the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenRefused(`the token's claim ${error.claim} is not acceptable`);
  }
  const isTokens = [
    ...[errors.JWSInvalid, errors.JWTInvalid, errors.JWSSignatureVerificationFailed],
    ...[errors.JOSEAlgNotAllowed, errors.JOSENotSupported, errors.JWKSNoMatchingKey],
    errors.JWKSMultipleMatchingKeys,
  ].some((kind) => error instanceof kind);
  return isTokens ? new TokenRefused("the token's signature is not acceptable") : error;
}

/** The provider's keys, which it may change at any time: a key that is not known is looked for again. */
function discoveredKeys(issuer: string, keysCooldownMs: number): () => Promise<JWTVerifyGetKey> {
  let found: Promise<JWTVerifyGetKey> | undefined;
  let goodUntilMs = 0;
  return () => {
    if (found && Date.now() < goodUntilMs) return found;
    goodUntilMs = Date.now() + DISCOVERY_MS;
    found = discover(issuer, keysCooldownMs);
    found.catch(() => (goodUntilMs = Date.now() + RETRY_MS));
    return found;
  };
}

async function discover(issuer: string, keysCooldownMs: number): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer) throw new Error(`${url} speaks for another issuer than ${issuer}`);
  if (typeof document.jwks_uri !== 'string' || !isSafeUrl(document.jwks_uri)) {
    throw new Error(`${url} gives no https URL of keys`);
  }
  return createRemoteJWKSet(new URL(document.jwks_uri), {
    timeoutDuration: ANSWER_MS,
    cooldownDuration: keysCooldownMs,
  });
}

/** Encrypted, or on this machine. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
