import { setTimeout as delay } from 'node:timers/promises';
import { ClientError, EXIT } from '../client/errors.js';
import { refusePlainHttp } from '../client/plain-http.js';
import type { Profile } from '../client/profiles.js';
import { type TokenAnswer, tokensOf } from '../client/renewal.js';

/** An OpenID provider that a server accepts tokens of. */
export interface Provider {
  readonly issuer: string;
  readonly clientId: string;
  /** Whether it may be asked by plain http. */
  readonly insecureHttp?: true | undefined;
}

/** What is asked of the person who logs in. */
export interface DevicePrompt {
  readonly address: string;
  readonly code: string;
}

/** What is used of a provider's metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). */
interface Discovery {
  readonly issuer?: string;
  readonly token_endpoint?: string;
  readonly device_authorization_endpoint?: string;
  readonly revocation_endpoint?: string;
}

interface DeviceAnswer {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete?: string;
  readonly expires_in: number;
  readonly interval?: number;
}

/** Seconds between two questions whether the person has agreed, where the provider does not say (RFC 8628 §3.2). */
const DEFAULT_INTERVAL_SECONDS = 5;
/** By how many seconds more to wait when told to slow down (RFC 8628 §3.5). */
const SLOWER_SECONDS = 5;

/**
 * Logs somebody in at a provider by the device flow (RFC 8628): they open an address in any browser, and this waits.
 * @returns undefined if the provider has no such flow.
 * @throws ClientError if it came to nothing; Error if a secret would go by plain http.
 */
export async function logInByDevice(
  provider: Provider,
  prompt: (prompt: DevicePrompt) => void,
  secondMs = 1000,
): Promise<Pick<Profile, 'token' | 'renewal'> | undefined> {
  const { issuer, clientId } = provider;
  const discovery = await discover(provider);
  const { device_authorization_endpoint: deviceEndpoint, token_endpoint: tokenEndpoint } = discovery;
  if (deviceEndpoint === undefined || tokenEndpoint === undefined) return undefined;
  const scope = 'openid profile email groups offline_access';
  const started = await post(deviceEndpoint, { client_id: clientId, scope });
  if (!started.ok) throw failed(`${issuer} does not allow the login: ${await started.text()}`);
  const device = (await started.json()) as DeviceAnswer;
  prompt({ address: device.verification_uri_complete ?? device.verification_uri, code: device.user_code });

  const { revocation_endpoint: revocationEndpoint } = discovery;
  const source = {
    tokenEndpoint,
    clientId,
    ...(revocationEndpoint === undefined ? {} : { revocationEndpoint }),
  };
  const grant = {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: device.device_code,
    client_id: clientId,
  };
  let seconds = device.interval ?? DEFAULT_INTERVAL_SECONDS;
  for (let waited = 0; waited < device.expires_in; waited += seconds) {
    await delay(seconds * secondMs);
    const response = await post(tokenEndpoint, grant);
    if (response.ok) return tokensOf((await response.json()) as TokenAnswer, source);
    const { error } = (await response.json()) as { error?: string };
    if (error === 'slow_down') seconds += SLOWER_SECONDS;
    else if (error !== 'authorization_pending')
      throw failed(`${issuer} refused the login: ${error ?? 'unknown'}`);
  }
  throw failed('the login was not confirmed in time');
}

/** The discovery document of a provider, after checking its issuer (OpenID Connect Discovery 1.0 §4.3). */
async function discover({ issuer, insecureHttp }: Provider): Promise<Discovery> {
  refusePlainHttp(issuer, insecureHttp);
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const discovery = await readDiscovery(address);
  if (discovery.issuer !== issuer) {
    throw failed(`${address} is of another issuer: ${discovery.issuer ?? 'none'}`);
  }
  const { device_authorization_endpoint, token_endpoint, revocation_endpoint } = discovery;
  for (const endpoint of [device_authorization_endpoint, token_endpoint, revocation_endpoint]) {
    if (endpoint !== undefined) refusePlainHttp(endpoint, insecureHttp);
  }
  return discovery;
}

async function readDiscovery(address: string): Promise<Discovery> {
  try {
    const response = await fetch(address);
    if (response.ok) return (await response.json()) as Discovery;
    throw failed(`${address} returned status ${response.status}`);
  } catch (error) {
    if (error instanceof ClientError) throw error;
    throw failed(`${address} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function post(address: string, form: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(address, { method: 'POST', body: new URLSearchParams(form) });
}

function failed(message: string): ClientError {
  return new ClientError(message, EXIT.notAllowed);
}
