import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import { type Identity, type RecognizeToken, TokenRefused } from './identity.js';
import {
  claimsIssuer,
  openIdConnect,
  type OpenIdProvider,
  openIdProviderProblems,
} from './openid-connect.js';
import { RecognizedTokens } from './recognized-tokens.js';
import type { Authenticate } from './request-access.js';
import { accessByRoles, type Role, roleProblems } from './roles.js';
import { sha256, type StaticToken, staticTokenProblems, staticTokens } from './static-tokens.js';
import { type KubernetesTokens, kubernetesTokens } from './token-review.js';

/** How people and programs are known, and what they may do. */
export interface SecurityOptions {
  readonly tokens?: readonly StaticToken[];
  readonly openIdProviders?: readonly OpenIdProvider[];
  readonly kubernetes?: KubernetesTokens;
  readonly roles: readonly Role[];
}

/** A configuration of security that cannot be meant; all that is wrong with it, at once. */
export class SecurityError extends Error {
  override readonly name = 'SecurityError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

/**
 * Knows people by bearer tokens (RFC 6750): static ones, those of OpenID providers, and those of a Kubernetes API
 * server. What a token said is remembered for a while; see {@link RecognizedTokens}.
 * @throws SecurityError if the options are contradictory or let nobody in.
 */
export function authenticateTokens(options: SecurityOptions): Authenticate {
  const problems = securityProblems(options);
  if (problems.length > 0) throw new SecurityError(problems);
  const recognize = recognizerOf(options);
  const recognized = new RecognizedTokens(async (token) =>
    accessByRoles(options.roles, await recognize(token)),
  );
  return async (request) => {
    const token = bearerToken(request);
    try {
      return await recognized.accessOf(token, request.ip);
    } catch (error) {
      if (error instanceof TokenRefused) {
        throw new Problem(401, error.message, [], {
          'www-authenticate': 'Bearer realm="sonde", error="invalid_token"',
        });
      }
      if (error instanceof Problem) throw error;
      request.log.error({ err: error }, 'cannot find out whose a token is');
      throw new Problem(503, 'at present it cannot be found out whose the token is');
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
    ...issuersTwice(openIdProviders),
    ...roleProblems(roles),
  ];
  if (tokens.length === 0 && openIdProviders.length === 0 && !kubernetes) {
    problems.push('no tokens, OpenID providers or Kubernetes API server: nobody could be known');
  }
  return problems;
}

/** Tokens name their issuer only: which of two providers they are of, nothing would tell. */
function issuersTwice(providers: readonly OpenIdProvider[]): string[] {
  const issuers = providers.map(({ issuer }) => issuer);
  return [...new Set(issuers.filter((issuer, at) => issuers.indexOf(issuer) < at))].map(
    (issuer) => `OpenID provider ${issuer}: the issuer stands twice; give one provider all its audiences`,
  );
}

/** Asks whoever can know: tokens of the configuration by their hash, others by who they say issued them. */
function recognizerOf({ tokens = [], openIdProviders = [], kubernetes }: SecurityOptions): RecognizeToken {
  const hashes = new Set(tokens.map((token) => token.sha256.toLowerCase()));
  const recognizeStatic = staticTokens(tokens);
  const providers = openIdProviders.map((provider) => ({
    issuer: provider.issuer,
    recognize: openIdConnect(provider),
  }));
  const recognizeKubernetes = kubernetes && kubernetesTokens(kubernetes);
  return (token): Promise<Identity> => {
    if (hashes.has(sha256(token))) return recognizeStatic(token);
    const provider = providers.find(({ issuer }) => claimsIssuer(token, issuer));
    if (provider) return provider.recognize(token);
    return (recognizeKubernetes ?? recognizeStatic)(token);
  };
}

/** The longest token that is looked at; those of large organizations with many groups have some kilobytes. */
const MAX_TOKEN = 16_384;

function bearerToken(request: FastifyRequest): string {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token !== undefined && token.length <= MAX_TOKEN) return token;
  throw new Problem(401, 'give a token: Authorization: Bearer …', [], {
    'www-authenticate': 'Bearer realm="sonde"',
  });
}
