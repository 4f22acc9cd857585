import type { TokenSource } from './api-client.js';
import { ClientError, EXIT } from './errors.js';
import { changeProfiles, type Profile } from './profiles.js';
import { isExpired, renewed } from './renewal.js';

/**
 * The valid token of a profile: an expired one is renewed and saved. Concurrent commands renew it once, because a
 * provider may accept a refresh token only once (RFC 9700 §4.14.2).
 */
export function profileToken(file: string, name: string, profile: Profile): TokenSource {
  let known = profile;
  return async () => {
    if (needsRenewal(known)) known = await renewedProfile(file, name, known.server);
    return known.token;
  };
}

/** @throws ClientError if the provider issues no new token, or the profile was removed meanwhile. */
async function renewedProfile(file: string, name: string, server: string): Promise<Profile> {
  const { profiles } = await changeProfiles(file, async (all) => {
    const kept = all.profiles[name];
    if (kept?.server !== server) return all;
    if (!kept.renewal || !needsRenewal(kept)) return all;
    const profile = { ...kept, ...(await renewed(kept.renewal)) };
    return { ...all, profiles: { ...all.profiles, [name]: profile } };
  });
  const profile = profiles[name];
  if (profile?.server === server) return profile;
  throw new ClientError(
    `profile "${name}" has no login for ${server} anymore: run \`sonde login\``,
    EXIT.notAllowed,
  );
}

function needsRenewal({ renewal }: Profile): boolean {
  return renewal !== undefined && isExpired(renewal);
}
