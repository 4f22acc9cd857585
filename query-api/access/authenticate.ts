import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import { type Identity, type VerifyToken, TokenRejected } from './identity.js';
import {
  claimsIssuer,
  openIdConnect,
  type OpenIdProvider,
  openIdProviderProblems,
} from './openid-connect.js';
import { TokenCache } from './token-cache.js';
import type { Authenticate } from './request-access.js';
import { accessByRoles, type Role, roleProblems } from './roles.js';
import { sha256, type StaticToken, staticTokenProblems, staticTokens } from './static-tokens.js';
import { type KubernetesTokens, kubernetesTokens } from './token-review.js';

/** The access configuration: how clients authenticate, and their rights. */
export interface SecurityOptions {
  readonly tokens?: readonly StaticToken[];
  readonly openIdProviders?: readonly OpenIdProvider[];
  readonly kubernetes?: KubernetesTokens;
  readonly roles: readonly Role[];
}

/** An invalid access configuration; lists all problems at once. */
export class SecurityError extends Error {
  override readonly name = 'SecurityError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/**
 * Authenticates clients by bearer tokens (RFC 6750): static ones, those of OpenID providers, and those of a Kubernetes
 * API server. Results are cached; see {@link TokenCache}.
 * @throws SecurityError if the options are invalid or accept no tokens.
 */
export function authenticateTokens(options: SecurityOptions): Authenticate {
  const problems = securityProblems(options);
  if (problems.length > 0) throw new SecurityError(problems);
  const verify = verifierOf(options);
  const cache = new TokenCache(async (token) => accessByRoles(options.roles, await verify(token)));
  return async (request) => {
    const token = bearerToken(request);
    try {
      return await cache.accessOf(token, request.ip);
    } catch (error) {
      if (error instanceof TokenRejected) {
        throw new Problem('SONDE_UNAUTHENTICATED', error.message, {
          headers: { 'www-authenticate': 'Bearer realm="sonde", error="invalid_token"' },
        });
      }
      if (error instanceof Problem) throw error;
      request.log.error({ err: error }, 'token verification failed');
      throw new Problem(
        'SONDE_AUTHENTICATION_UNAVAILABLE',
        'the token cannot be verified now: the identity provider is not reachable',
      );
    }
  };
}

function securityProblems({
  tokens = [],
  openIdProviders = [],
  kubernetes,
  roles,
}: SecurityOptions): string[] {
  const problems = [
    ...staticTokenProblems(tokens),
    ...openIdProviders.flatMap(openIdProviderProblems),
    ...duplicateIssuers(openIdProviders),
    ...roleProblems(roles),
  ];
  if (tokens.length === 0 && openIdProviders.length === 0 && !kubernetes) {
    problems.push('no authentication method: set `tokens`, `openIdProviders` or `kubernetes`');
  }
  return problems;
}

/** A token names only its issuer, so two providers with one issuer could not be told apart. */
function duplicateIssuers(providers: readonly OpenIdProvider[]): string[] {
  const issuers = providers.map(({ issuer }) => issuer);
  return [...new Set(issuers.filter((issuer, at) => issuers.indexOf(issuer) < at))].map(
    (issuer) => `OpenID provider ${issuer}: duplicate issuer; list all audiences in one provider`,
  );
}

/** Chooses the authentication method of a token: static tokens by hash, others by the issuer they name. */
function verifierOf({ tokens = [], openIdProviders = [], kubernetes }: SecurityOptions): VerifyToken {
  const hashes = new Set(tokens.map((token) => token.sha256.toLowerCase()));
  const verifyStatic = staticTokens(tokens);
  const providers = openIdProviders.map((provider) => ({
    issuer: provider.issuer,
    verify: openIdConnect(provider),
  }));
  const verifyKubernetes = kubernetes && kubernetesTokens(kubernetes);
  return (token): Promise<Identity> => {
    if (hashes.has(sha256(token))) return verifyStatic(token);
    const provider = providers.find(({ issuer }) => claimsIssuer(token, issuer));
    if (provider) return provider.verify(token);
    return (verifyKubernetes ?? verifyStatic)(token);
  };
}

/** Maximum length of a token; tokens of users in many groups have a few kilobytes. */
const MAX_TOKEN_LENGTH = 16_384;

function bearerToken(request: FastifyRequest): string {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token !== undefined && token.length <= MAX_TOKEN_LENGTH) return token;
  throw new Problem('SONDE_UNAUTHENTICATED', 'a token is required: Authorization: Bearer …', {
    headers: { 'www-authenticate': 'Bearer realm="sonde"' },
  });
}
