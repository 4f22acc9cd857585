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

/** `sonde profile`: the servers saved by `sonde login`. */
export function profileCommand(): Command {
  const profile = new Command('profile').description('List, select and remove saved profiles');
  const list = profile
    .command('list')
    .description('List profiles; * marks the current one')
    .addOption(
      new Option('-o, --output <format>', 'output format').choices(['table', 'json']).default('table'),
    )
    .action(async ({ output }: { readonly output: 'table' | 'json' }) => {
      process.stdout.write(`${await listProfiles(output)}\n`);
    });
  const use = profile
    .command('use')
    .description('Set the current profile')
    .argument('<name>', 'name of the profile')
    .action((name: string) => chooseProfile(name));
  const remove = profile
    .command('remove')
    .description('Remove a profile and revoke its token')
    .argument('<name>', 'name of the profile')
    .action(async (name: string) => {
      for (const line of await removeProfile(name)) tell(line);
    });
  const show = profile
    .command('show')
    .description('Show a profile: server, login and when its token expires')
    .argument('[name]', 'name of the profile (default: the current one)')
    .action(async (name: string | undefined) => {
      process.stdout.write(`${await showProfile(name)}\n`);
    });
  withExamples(list, ['sonde profile list']);
  withExamples(show, ['sonde profile show', 'sonde profile show work']);
  withExamples(use, ['sonde profile use work', 'sonde top --profile lab    # for one command only']);
  withExamples(remove, ['sonde profile remove work']);
  return profile;
}

/** The profiles, without their tokens. */
export async function listProfiles(output: 'table' | 'json', environment = process.env): Promise<string> {
  const { current, profiles } = await readProfiles(profilesFile(environment));
  const listed = Object.entries(profiles).map(([name, profile]) => ({
    ...{ name, server: profile.server, current: name === current, login: loginText(profile) },
  }));
  if (output === 'json') return jsonText(listed, 2);
  if (listed.length === 0) return 'No profiles are saved; `sonde login` creates one.';
  const rows = listed.map((one) => [one.current ? '*' : '', one.name, one.server, one.login]);
  return formatTable(['', 'PROFILE', 'SERVER', 'LOGIN'], printable(rows));
}

/** The settings of a profile, without its token. @throws Error if it does not exist. */
export async function showProfile(name?: string, environment = process.env): Promise<string> {
  const file = profilesFile(environment);
  const all = await readProfiles(file);
  const chosen = name ?? all.current;
  if (chosen === undefined) return 'No profile is selected; `sonde login` creates one.';
  const profile = namedProfile(all, chosen);
  const expiry = profile.renewal && new Date(profile.renewal.expiresAtMs).toISOString();
  const rows = [
    ['Profile', chosen === all.current ? `${chosen} (current)` : chosen],
    ['Server', profile.server],
    ['Login', loginText(profile)],
    ...(expiry === undefined ? [] : [['Token expires', expiry]]),
    ...(profile.insecureHttp ? [['Unencrypted HTTP', 'allowed']] : []),
    ['File', file],
  ];
  return printable(rows)
    .map(([title = '', value = '']) => `${`${title}:`.padEnd(18)}${value}`)
    .join('\n');
}

/** Makes a profile the current one. @throws Error if it does not exist. */
export async function chooseProfile(name: string, environment = process.env): Promise<void> {
  await changeProfiles(profilesFile(environment), (all) => {
    namedProfile(all, name);
    return { ...all, current: name };
  });
}

/** Removes a profile; returns messages for the user. @throws Error if it does not exist. */
export async function removeProfile(name: string, environment = process.env): Promise<string[]> {
  const file = profilesFile(environment);
  const all = await readProfiles(file);
  const profile = namedProfile(all, name);
  await changeProfiles(file, ({ current, profiles }) => ({
    ...(current === undefined || current === name ? {} : { current }),
    profiles: Object.fromEntries(Object.entries(profiles).filter(([one]) => one !== name)),
  }));
  const wasInUse =
    all.current === name ? ['It was the current profile; select another with `sonde profile use`.'] : [];
  return [...(await revoked(profile)), ...wasInUse];
}

function loginText({ token, renewal }: Profile): string {
  if (token === undefined) return 'none';
  return renewal ? `renewed by ${new URL(renewal.tokenEndpoint).host}` : 'token';
}
