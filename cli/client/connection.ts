import { type Command, InvalidArgumentError, Option } from 'commander';
import { ApiClient } from './api-client.js';
import { refusePlainHttp } from './plain-http.js';
import { profileToken } from './profile-token.js';
import { namedProfile, profilesFile, readProfiles } from './profiles.js';

/** How a command is told which server to ask, and as whom. */
export interface ServerOptions {
  readonly server?: string;
  readonly profile?: string;
  /** Whether a token may go by plain http to another machine. */
  readonly insecureHttp?: true;
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
    .addOption(new Option('--profile <name>', 'profile saved by `sonde login`').env('SONDE_PROFILE'))
    .option('--insecure-http', 'allow sending tokens over unencrypted HTTP');
}

/**
 * The server that a command is to ask. A token comes from `SONDE_TOKEN`, else from the profile, but never goes to
 * another server than the profile's.
 * @throws Error if there is no such profile, or a token would go by plain http.
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
  const given = environment['SONDE_TOKEN'];
  if (given !== undefined && given !== '') {
    refusePlainHttp(server, options.insecureHttp);
    return new ApiClient(server, () => Promise.resolve(given));
  }
  if (name === undefined || !profile?.token || !isSameServer(server, profile.server))
    return new ApiClient(server);
  refusePlainHttp(server, options.insecureHttp ?? profile.insecureHttp);
  return new ApiClient(server, profileToken(file, name, profile));
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
