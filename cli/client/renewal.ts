import { ClientError, EXIT } from './errors.js';
import type { Profile, Renewal } from './profiles.js';

/** What a token endpoint gives (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3). */
export interface TokenAnswer {
  readonly id_token?: string;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
}

/** How long before its end a token is renewed: it must not expire on its way. */
const MARGIN_MS = 30_000;
const DEFAULT_LIFE_SECONDS = 300;
/** How long a provider may take to answer. Others who need the token wait meanwhile. */
const PATIENCE_MS = 20_000;

export function isExpired({ expiresAtMs }: Renewal, nowMs = Date.now()): boolean {
  return nowMs > expiresAtMs - MARGIN_MS;
}

/**
 * Gets a new token for one that has expired.
 * @throws ClientError if the provider gives none; its exit code says whether it refuses or is not there at present.
 */
export async function renewed(renewal: Renewal): Promise<Pick<Profile, 'token' | 'renewal'>> {
  const { tokenEndpoint, clientId, refreshToken } = renewal;
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId };
  const { host } = new URL(tokenEndpoint);
  let response: Response;
  try {
    response = await fetch(tokenEndpoint, {
      ...{ method: 'POST', body: new URLSearchParams(form) },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ClientError(
      `your login has expired, and ${host} cannot be asked for a new one (${reason})`,
      EXIT.unreachable,
    );
  }
  if (response.ok) return tokensOf((await response.json()) as TokenAnswer, renewal);
  const { status } = response;
  if (status === 429 || status >= 500) {
    throw new ClientError(
      `your login has expired, and ${host} cannot renew it at present (it answers ${status})`,
      EXIT.failed,
    );
  }
  throw new ClientError(
    `your login has expired and was not renewed (${host} answers ${status}): \`sonde login\``,
    EXIT.notAllowed,
  );
}

/**
 * The token of an answer, and how to renew it. An ID token is made for the client that logged in, so it is what the
 * server is shown where there is one.
 */
export function tokensOf(
  answer: TokenAnswer,
  from: Omit<Renewal, 'refreshToken' | 'expiresAtMs'> & Partial<Renewal>,
): Pick<Profile, 'token' | 'renewal'> {
  const token = answer.id_token ?? answer.access_token;
  if (token === undefined) throw new ClientError('the provider gave no token', EXIT.notAllowed);
  const refreshToken = answer.refresh_token ?? from.refreshToken;
  if (refreshToken === undefined) return { token };
  const lifeSeconds = lifeSecondsOf(answer.id_token) ?? answer.expires_in ?? DEFAULT_LIFE_SECONDS;
  return { token, renewal: { ...from, refreshToken, expiresAtMs: Date.now() + lifeSeconds * 1000 } };
}

/**
 * How long an ID token is good by its own claims (OpenID Connect Core 1.0 §2): the `expires_in` beside it is that of
 * the access token. A difference of two of the provider's times, so that it holds whatever the clock here says.
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
    // Not a JSON web token that can be read: the server evaluates it.
    return undefined;
  }
}
