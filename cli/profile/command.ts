import { Command, Option } from 'commander';
import {
  changeProfiles,
  namedProfile,
  type Profile,
  profilesFile,
  readProfiles,
} from '../client/profiles.js';
import { withExamples } from '../help/help.js';
import { revoked } from '../login/logout.js';
import { formatTable } from '../table/format.js';
import { jsonText, printable } from '../table/printable.js';
import { tell } from '../table/tell.js';

/** `sonde profile`: the servers that `sonde login` has kept. */
export function profileCommand(): Command {
  const profile = new Command('profile').description('List, select and remove saved profiles');
  const list = profile
    .command('list')
    .description('List profiles; * marks the current one')
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'))
    .action(async ({ output }: { readonly output: 'table' | 'json' }) => {
      process.stdout.write(`${await listProfiles(output)}\n`);
    });
  const use = profile
    .command('use')
    .description('Set the current profile')
    .argument('<name>')
    .action((name: string) => chooseProfile(name));
  const remove = profile
    .command('remove')
    .description('Remove a profile and revoke its token')
    .argument('<name>')
    .action(async (name: string) => {
      for (const line of await removeProfile(name)) tell(line);
    });
  withExamples(list, ['sonde profile list']);
  withExamples(use, ['sonde profile use work', 'sonde top --profile lab    # for one command only']);
  withExamples(remove, ['sonde profile remove work']);
  return profile;
}

/** The text of all profiles; never with a token. */
export async function listProfiles(output: 'table' | 'json', environment = process.env): Promise<string> {
  const { current, profiles } = await readProfiles(profilesFile(environment));
  const listed = Object.entries(profiles).map(([name, profile]) => ({
    ...{ name, server: profile.server, current: name === current, login: loginText(profile) },
  }));
  if (output === 'json') return jsonText(listed, 2);
  if (listed.length === 0) return 'There are no profiles; `sonde login` makes one.';
  const rows = listed.map((one) => [one.current ? '*' : '', one.name, one.server, one.login]);
  return formatTable(['', 'PROFILE', 'SERVER', 'LOGIN'], printable(rows));
}

/** Has a profile be the one in use. @throws Error if there is none of this name. */
export async function chooseProfile(name: string, environment = process.env): Promise<void> {
  await changeProfiles(profilesFile(environment), (all) => {
    namedProfile(all, name);
    return { ...all, current: name };
  });
}

/** Removes a profile; returns what to tell the person. @throws Error if there is none of this name. */
export async function removeProfile(name: string, environment = process.env): Promise<string[]> {
  const file = profilesFile(environment);
  const all = await readProfiles(file);
  const profile = namedProfile(all, name);
  await changeProfiles(file, ({ current, profiles }) => ({
    ...(current === undefined || current === name ? {} : { current }),
    profiles: Object.fromEntries(Object.entries(profiles).filter(([one]) => one !== name)),
  }));
  const wasInUse =
    all.current === name ? ['It was the one in use: `sonde profile use` chooses another.'] : [];
  return [...(await revoked(profile)), ...wasInUse];
}

function loginText({ token, renewal }: Profile): string {
  if (token === undefined) return 'none';
  return renewal ? `renewed by ${new URL(renewal.tokenEndpoint).host}` : 'a token';
}
