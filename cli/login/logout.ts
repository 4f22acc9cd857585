import { Command, Option } from 'commander';
import {
  changeProfiles,
  namedProfile,
  type Profile,
  profilesFile,
  readProfiles,
} from '../client/profiles.js';
import { withExamples } from '../help/help.js';
import { tell } from '../table/tell.js';

/** `sonde logout`: removes the token of a profile and revokes it at its provider. */
export function logoutCommand(): Command {
  const command = new Command('logout')
    .description('Remove the token of a profile and revoke it; the profile keeps its server')
    .addOption(new Option('--profile <name>', 'profile (default: the current one)').env('SONDE_PROFILE'))
    .action(async ({ profile }: { readonly profile?: string }) => {
      for (const line of await logOut(profile)) tell(line);
    });
  return withExamples(command, ['sonde logout', 'sonde logout --profile work']);
}

/**
 * Removes the token of a profile; returns messages for the user.
 * @throws Error if the profile does not exist.
 */
export async function logOut(name?: string, environment: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const file = profilesFile(environment);
  const all = await readProfiles(file);
  const chosen = name ?? all.current;
  if (chosen === undefined) throw new Error('no profile is saved; run `sonde login`');
  const profile = namedProfile(all, chosen);
  if (profile.token === undefined) return [`Profile ${chosen} has no token.`];
  await changeProfiles(file, (before) => {
    const { server } = namedProfile(before, chosen);
    return { ...before, profiles: { ...before.profiles, [chosen]: { server } } };
  });
  return [...(await revoked(profile)), `Logged out of ${profile.server} (profile ${chosen}).`];
}

/**
 * Revokes the refresh token of a profile (RFC 7009), if its provider supports it.
 * @returns messages for the user if that failed, which is not an error.
 */
export async function revoked({ renewal }: Profile): Promise<string[]> {
  if (renewal?.revocationEndpoint === undefined) return [];
  const { revocationEndpoint, refreshToken, clientId } = renewal;
  const form = { token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId };
  const failed = (reason: string) => [
    `${new URL(revocationEndpoint).host} did not revoke the token (${reason}); it stays valid until it expires.`,
  ];
  try {
    const response = await fetch(revocationEndpoint, { method: 'POST', body: new URLSearchParams(form) });
    return response.ok ? [] : failed(`status ${response.status}`);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}
