import {
  createRemoteJWKSet,
  decodeJwt,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import { type Identity, type VerifyToken, TokenRejected } from './identity.js';
import { isLoopback } from '@sonde/backbone/service/loopback';

/** An OpenID provider whose tokens are accepted. */
export interface OpenIdProvider {
  /** URL of the issuer; the rest is discovered below it (OpenID Connect Discovery 1.0 §4). */
  readonly issuer: string;
  /** Accepted audiences: the `aud` claim of a token must contain one of them. */
  readonly allowedAudiences: readonly string[];
  /** Claim with the groups, an array or a string; `groups` by default. */
  readonly groupsClaim?: string;
  /** Prefix of each group, to tell the groups of several providers apart; empty by default. */
  readonly groupsPrefix?: string;
  /** Accepted signature algorithms; by default all of {@link SIGNATURE_ALGORITHMS}. */
  readonly allowedAlgorithms?: readonly string[];
  /** Accepted clock difference to the provider, in milliseconds; a minute by default. */
  readonly clockToleranceMs?: number;
  /** Client id for `sonde login`; without it users cannot log in with the command line. */
  readonly clientId?: string;
}

/** Asymmetric signatures (RFC 7518 §3.1, RFC 8037); with a shared secret, every holder could issue tokens. */
const SIGNATURE_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

/** Timeout of requests to the provider. */
const REQUEST_TIMEOUT_MS = 5000;
/** How long the discovery document is cached. */
const DISCOVERY_TTL_MS = 3_600_000;
/** How long a failed discovery is not retried. */
const RETRY_MS = 5000;
/** Minimum interval between fetches of the keys, however many tokens name unknown keys. */
const KEYS_COOLDOWN_MS = 10_000;

/** Clock difference accepted by default. */
const CLOCK_TOLERANCE_MS = 60_000;
/** Maximum clock difference that can be configured. */
const MAX_CLOCK_TOLERANCE_MS = 300_000;

/** Verifies tokens of an OpenID provider: JSON Web Tokens that it signed (OpenID Connect Core 1.0 §3.1.3.7). */
export function openIdConnect(
  provider: OpenIdProvider,
  keysCooldownMs: number = KEYS_COOLDOWN_MS,
): VerifyToken {
  const keys = discoveredKeys(provider.issuer, keysCooldownMs);
  const algorithms = [...(provider.allowedAlgorithms ?? SIGNATURE_ALGORITHMS)];
  const { issuer, allowedAudiences, clockToleranceMs = CLOCK_TOLERANCE_MS } = provider;
  return async (token) => {
    const key = await keys();
    try {
      const { payload } = await jwtVerify(token, key, {
        ...{ issuer, audience: [...allowedAudiences], algorithms },
        clockTolerance: clockToleranceMs / 1000,
        requiredClaims: ['exp', 'sub'],
      });
      return identityOf(payload, provider);
    } catch (error) {
      throw rejectionOf(error);
    }
  };
}

/** Whether a token names the issuer. Nothing is verified: this only chooses who verifies the token. */
export function claimsIssuer(token: string, issuer: string): boolean {
  try {
    return decodeJwt(token).iss === issuer;
  } catch {
    // Not a JSON Web Token, so of no issuer.
    return false;
  }
}

/** The problems of a provider's settings; empty if there are none. */
export function openIdProviderProblems(provider: OpenIdProvider): string[] {
  const { issuer, allowedAudiences, allowedAlgorithms = [], clockToleranceMs = 0 } = provider;
  const problems: string[] = [];
  if (!isSafeUrl(issuer)) problems.push('the issuer must be an https URL');
  if (allowedAudiences.length === 0) problems.push('`allowedAudiences` is empty');
  for (const algorithm of allowedAlgorithms) {
    if (!(SIGNATURE_ALGORITHMS as readonly string[]).includes(algorithm)) {
      problems.push(`algorithm ${algorithm} is not one of ${SIGNATURE_ALGORITHMS.join(', ')}`);
    }
  }
  if (clockToleranceMs > MAX_CLOCK_TOLERANCE_MS) problems.push('`clockTolerance` must be at most 5m');
  return problems.map((problem) => `OpenID provider ${issuer}: ${problem}`);
}

function identityOf(payload: JWTPayload, provider: OpenIdProvider): Identity {
  const { groupsClaim = 'groups', groupsPrefix = '', clockToleranceMs = CLOCK_TOLERANCE_MS } = provider;
  // RFC 7519 §4.1.2 allows an empty subject, but it would identify nobody.
  if (payload.sub === undefined || payload.sub === '')
    throw new TokenRejected("the token's claim sub is empty");
  const claim = payload[groupsClaim];
  const groups = (Array.isArray(claim) ? claim : [claim]).filter((group) => typeof group === 'string');
  return {
    subject: `oidc:${provider.issuer}#${payload.sub}`,
    groups: groups.map((group) => groupsPrefix + group),
    untilMs: (payload.exp ?? 0) * 1000 + clockToleranceMs,
  };
}

/** The errors of jose that mean an invalid token; others mean that the provider failed. */
function rejectionOf(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new TokenRejected('the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenRejected(`the token's claim ${error.claim} is not acceptable`);
  }
  const isInvalid = [
    ...[errors.JWSInvalid, errors.JWTInvalid, errors.JWSSignatureVerificationFailed],
    ...[errors.JOSEAlgNotAllowed, errors.JOSENotSupported, errors.JWKSNoMatchingKey],
    errors.JWKSMultipleMatchingKeys,
  ].some((kind) => error instanceof kind);
  return isInvalid ? new TokenRejected("the token's signature is not acceptable") : error;
}

/** The provider's keys. It can rotate them at any time: an unknown key id leads to another fetch. */
function discoveredKeys(issuer: string, keysCooldownMs: number): () => Promise<JWTVerifyGetKey> {
  let found: Promise<JWTVerifyGetKey> | undefined;
  let goodUntilMs = 0;
  return () => {
    if (found && Date.now() < goodUntilMs) return found;
    goodUntilMs = Date.now() + DISCOVERY_TTL_MS;
    found = discover(issuer, keysCooldownMs);
    found.catch(() => (goodUntilMs = Date.now() + RETRY_MS));
    return found;
  };
}

async function discover(issuer: string, keysCooldownMs: number): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} responded with status ${response.status}`);
  const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer) throw new Error(`${url} names another issuer than ${issuer}`);
  if (typeof document.jwks_uri !== 'string' || !isSafeUrl(document.jwks_uri)) {
    throw new Error(`${url} has no https URL as jwks_uri`);
  }
  return createRemoteJWKSet(new URL(document.jwks_uri), {
    timeoutDuration: REQUEST_TIMEOUT_MS,
    cooldownDuration: keysCooldownMs,
  });
}

/** Whether a URL is encrypted or on this machine. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
