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

/** `sonde logout`: forgets the token of a profile, and has its provider forget it. */
export function logoutCommand(): Command {
  const command = new Command('logout')
    .description('Forget the token of a profile, here and at its provider; the profile keeps its server')
    .addOption(new Option('--profile <name>', 'profile (default: the current one)').env('SONDE_PROFILE'))
    .action(async ({ profile }: { readonly profile?: string }) => {
      for (const line of await logOut(profile)) tell(line);
    });
  return withExamples(command, ['sonde logout', 'sonde logout --profile work']);
}

/**
 * Forgets a profile's token; returns what to tell the person.
 * @throws Error if there is no such profile.
 */
export async function logOut(name?: string, environment: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const file = profilesFile(environment);
  const all = await readProfiles(file);
  const chosen = name ?? all.current;
  if (chosen === undefined) throw new Error('there is no login; `sonde login` makes one');
  const profile = namedProfile(all, chosen);
  if (profile.token === undefined) return [`The profile ${chosen} had no token.`];
  await changeProfiles(file, (before) => {
    const { server } = namedProfile(before, chosen);
    return { ...before, profiles: { ...before.profiles, [chosen]: { server } } };
  });
  return [...(await revoked(profile)), `You are logged out of ${profile.server} (profile ${chosen}).`];
}

/**
 * Tells the provider of a profile that nobody needs its token any more (RFC 7009), where it has a place for that.
 * @returns What to tell the person if that did not work: nothing here depends on it.
 */
export async function revoked({ renewal }: Profile): Promise<string[]> {
  if (renewal?.revocationEndpoint === undefined) return [];
  const { revocationEndpoint, refreshToken, clientId } = renewal;
  const form = { token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId };
  const failed = (reason: string) => [
    `${new URL(revocationEndpoint).host} did not take the login back (${reason}): there it ends when it expires.`,
  ];
  try {
    const response = await fetch(revocationEndpoint, { method: 'POST', body: new URLSearchParams(form) });
    return response.ok ? [] : failed(`it answers ${response.status}`);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}
