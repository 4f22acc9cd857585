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

export function isExpired({ expiresAtMs }: Renewal, nowMs = Date.now()): boolean {
  return nowMs > expiresAtMs - MARGIN_MS;
}

/**
 * Gets a new token for one that has expired.
 * @throws ClientError if the provider gives none.
 */
export async function renewed(renewal: Renewal): Promise<Pick<Profile, 'token' | 'renewal'>> {
  const { tokenEndpoint, clientId, refreshToken } = renewal;
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId };
  const expired = (reason: string) =>
    new ClientError(
      `your login has expired and was not renewed (${reason}): \`sonde login\``,
      EXIT.notAllowed,
    );
  let response: Response;
  try {
    response = await fetch(tokenEndpoint, { method: 'POST', body: new URLSearchParams(form) });
  } catch (error) {
    throw expired(error instanceof Error ? error.message : String(error));
  }
  if (!response.ok) throw expired(`${new URL(tokenEndpoint).host} answers ${response.status}`);
  return tokensOf((await response.json()) as TokenAnswer, renewal);
}

/**
 * The token of an answer, and how to renew it. An ID token is made for the client that logged in, so it is what the
 * server is shown where there is one.
 */
export function tokensOf(
  answer: TokenAnswer,
  from: Pick<Renewal, 'tokenEndpoint' | 'clientId'> & { readonly refreshToken?: string },
): Pick<Profile, 'token' | 'renewal'> {
  const token = answer.id_token ?? answer.access_token;
  if (token === undefined) throw new ClientError('the provider gave no token', EXIT.notAllowed);
  const refreshToken = answer.refresh_token ?? from.refreshToken;
  if (refreshToken === undefined) return { token };
  const { tokenEndpoint, clientId } = from;
  const expiresAtMs = Date.now() + (answer.expires_in ?? DEFAULT_LIFE_SECONDS) * 1000;
  return { token, renewal: { tokenEndpoint, clientId, refreshToken, expiresAtMs } };
}
