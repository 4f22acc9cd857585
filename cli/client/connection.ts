import { type Command, InvalidArgumentError, Option } from 'commander';
import { ApiClient } from './api-client.js';
import { refusePlainHttp } from './plain-http.js';
import { profileToken } from './profile-token.js';
import { namedProfile, profilesFile, readProfiles } from './profiles.js';

/** The server of a command and the identity to use there. */
export interface ServerOptions {
  readonly server?: string;
  readonly profile?: string;
  /** Whether a token may be sent over unencrypted HTTP to another machine. */
  readonly insecureHttp?: true;
}

/** The default address of `sonde up`. */
export const LOCAL_SERVER = 'http://127.0.0.1:4180';

/** Gives a command the options of {@link ServerOptions}. */
export function withServer(command: Command): Command {
  return command
    .optionsGroup('Server:')
    .addOption(
      new Option(
        '--server <url>',
        `URL of the query API (default: that of the profile, else ${LOCAL_SERVER})`,
      )
        .env('SONDE_SERVER')
        .argParser(url),
    )
    .addOption(new Option('--profile <name>', 'profile saved by `sonde login`').env('SONDE_PROFILE'))
    .option('--insecure-http', 'allow sending tokens over unencrypted HTTP')
    .optionsGroup('Options:');
}

/**
 * The API client of a command. The token is `SONDE_TOKEN`, else that of the profile, which is only sent to the profile's
 * server.
 * @throws Error if the profile does not exist, or a token would be sent over unencrypted HTTP.
 */
export async function connect(
  options: ServerOptions,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ApiClient> {
  const file = profilesFile(environment);
  const all = await readProfiles(file);
  const name = options.profile ?? all.current;
  const profile =
    options.profile === undefined ? all.profiles[name ?? ''] : namedProfile(all, options.profile);
  const server = options.server ?? profile?.server ?? LOCAL_SERVER;
  const token = environment['SONDE_TOKEN'];
  if (token !== undefined && token !== '') {
    refusePlainHttp(server, options.insecureHttp);
    return new ApiClient(server, () => Promise.resolve(token));
  }
  if (name === undefined || !profile?.token || !isSameServer(server, profile.server))
    return new ApiClient(server);
  refusePlainHttp(server, options.insecureHttp ?? profile.insecureHttp);
  return new ApiClient(server, profileToken(file, name, profile));
}

function isSameServer(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}

/** Parses the URL of an option. */
function url(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It must be an http or https URL.');
  return text;
}

/** Parses a positive integer of an option. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}
