import type { TokenSource } from './api-client.js';
import { ClientError, EXIT } from './errors.js';
import { changeProfiles, type Profile } from './profiles.js';
import { isExpired, renewed } from './renewal.js';

/**
 * The token of a profile, which is good when it is given: one that has expired is renewed and kept. Commands that run
 * at the same time renew it once, for a provider may take a refresh token only once (RFC 9700 §4.14.2).
 */
export function profileToken(file: string, name: string, profile: Profile): TokenSource {
  let known = profile;
  return async () => {
    if (needsRenewal(known)) known = await renewedProfile(file, name, known.server);
    return known.token;
  };
}

/** @throws ClientError if the provider gives no new token, or the profile is gone meanwhile. */
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
    `the profile "${name}" is no login to ${server} any more: \`sonde login\``,
    EXIT.notAllowed,
  );
}

function needsRenewal({ renewal }: Profile): boolean {
  return renewal !== undefined && isExpired(renewal);
}
