import { type Command, InvalidArgumentError, Option } from 'commander';
import { ApiClient } from './api-client.js';
import { type Profile, profilesFile, readProfiles, saveProfile } from './profiles.js';
import { isExpired, renewed } from './renewal.js';

/** How a command is told which server to ask, and as whom. */
export interface ServerOptions {
  readonly server?: string;
  readonly profile?: string;
}

/** Where `sonde up` answers if it is not told otherwise. */
export const LOCAL_SERVER = 'http://127.0.0.1:4180';

/** Gives a command the options of {@link ServerOptions}. */
export function withServer(command: Command): Command {
  return command
    .addOption(
      new Option('--server <url>', `the query API; that of the profile, else ${LOCAL_SERVER}`)
        .env('SONDE_SERVER')
        .argParser(url),
    )
    .addOption(
      new Option('--profile <name>', 'the server and token that `sonde login` has kept').env('SONDE_PROFILE'),
    );
}

/**
 * The server that a command is to ask. A token comes from `SONDE_TOKEN`, else from the profile, but never goes to
 * another server than the profile's.
 * @throws Error if there is no such profile; ClientError if its token has expired and cannot be renewed.
 */
export async function connect(
  options: ServerOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ApiClient> {
  const file = profilesFile(environment);
  const { current, profiles } = await readProfiles(file);
  const name = options.profile ?? current;
  const profile = name === undefined ? undefined : profiles[name];
  if (options.profile !== undefined && !profile) {
    const known = Object.keys(profiles).join(', ') || 'none';
    throw new Error(
      `there is no profile "${options.profile}" (there are: ${known}); \`sonde login\` makes one`,
    );
  }
  const server = options.server ?? profile?.server ?? LOCAL_SERVER;
  const given = environment['SONDE_TOKEN'];
  if (given !== undefined && given !== '') return new ApiClient(server, given);
  if (!profile || name === undefined || !isSameServer(server, profile.server)) return new ApiClient(server);
  return new ApiClient(server, await currentToken(file, name, profile, name === current));
}

/** The profile's token, renewed and kept if it has expired. */
async function currentToken(
  file: string,
  name: string,
  profile: Profile,
  isCurrent: boolean,
): Promise<string | undefined> {
  if (!profile.renewal || !isExpired(profile.renewal)) return profile.token;
  const tokens = await renewed(profile.renewal);
  await saveProfile(file, name, { server: profile.server, ...tokens }, isCurrent);
  return tokens.token;
}

function isSameServer(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}

/** An http or https URL, of an option. */
function url(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It must be an http or https URL.');
  return text;
}

/** A whole number from 1, of an option. */
export function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}
