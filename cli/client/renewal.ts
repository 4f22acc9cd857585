import { ClientError, EXIT } from './errors.js';
import type { Profile, Renewal } from './profiles.js';

/** The response of a token endpoint (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3). */
export interface TokenAnswer {
  readonly id_token?: string;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
}

/** How long before its expiry a token is renewed, so that it does not expire in transit. */
const MARGIN_MS = 30_000;
const DEFAULT_LIFE_SECONDS = 300;
/** Timeout of the provider; other commands that need the token wait meanwhile. */
const TIMEOUT_MS = 20_000;

export function isExpired({ expiresAtMs }: Renewal, nowMs = Date.now()): boolean {
  return nowMs > expiresAtMs - MARGIN_MS;
}

/**
 * Renews an expired token.
 * @throws ClientError if that fails; its exit code tells a refusal from a provider that is unavailable.
 */
export async function renewed(renewal: Renewal): Promise<Pick<Profile, 'token' | 'renewal'>> {
  const { tokenEndpoint, clientId, refreshToken } = renewal;
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId };
  const { host } = new URL(tokenEndpoint);
  let response: Response;
  try {
    response = await fetch(tokenEndpoint, {
      ...{ method: 'POST', body: new URLSearchParams(form) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ClientError(
      `the login has expired, and ${host}, which renews it, cannot be reached (${reason})`,
      EXIT.unreachable,
    );
  }
  if (response.ok) return tokensOf((await response.json()) as TokenAnswer, renewal);
  const { status } = response;
  if (status === 429 || status >= 500) {
    throw new ClientError(
      `the login has expired, and ${host} failed to renew it (status ${status}): try again later`,
      EXIT.failed,
    );
  }
  throw new ClientError(
    `the login has expired, and ${host} refuses to renew it (status ${status}): run \`sonde login\``,
    EXIT.notAllowed,
  );
}

/**
 * The token of a response and how to renew it. An ID token is issued for the client that logged in, so it is preferred.
 */
export function tokensOf(
  answer: TokenAnswer,
  from: Omit<Renewal, 'refreshToken' | 'expiresAtMs'> & Partial<Renewal>,
): Pick<Profile, 'token' | 'renewal'> {
  const token = answer.id_token ?? answer.access_token;
  if (token === undefined) throw new ClientError('the provider issued no token', EXIT.notAllowed);
  const refreshToken = answer.refresh_token ?? from.refreshToken;
  if (refreshToken === undefined) return { token };
  const lifeSeconds = lifeSecondsOf(answer.id_token) ?? answer.expires_in ?? DEFAULT_LIFE_SECONDS;
  return { token, renewal: { ...from, refreshToken, expiresAtMs: Date.now() + lifeSeconds * 1000 } };
}

/**
 * The lifetime of an ID token by its own claims (OpenID Connect Core 1.0 §2); `expires_in` is that of the access token.
 * As a difference of two times of the provider, it does not depend on the clock of this machine.
 */
function lifeSecondsOf(idToken: string | undefined): number | undefined {
  const payload = idToken?.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const { exp, iat } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      exp?: unknown;
      iat?: unknown;
    };
    return typeof exp === 'number' && typeof iat === 'number' ? exp - iat : undefined;
  } catch {
    // Not a readable JSON web token: the server validates it.
    return undefined;
  }
}
