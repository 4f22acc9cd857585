import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** How to reach a server, and as whom. */
export interface Profile {
  readonly server: string;
  /** The token that the server knows its owner by; absent where none is needed. */
  readonly token?: string;
  /** How to get a new token when it expires. */
  readonly renewal?: Renewal;
}

/** What an OpenID provider renews a token for (RFC 6749 §6). */
export interface Renewal {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly refreshToken: string;
  /** When the token expires, in ms since 1970. */
  readonly expiresAtMs: number;
}

/** The servers that somebody uses, by a name for each. */
export interface Profiles {
  /** The one to use where none is named. */
  readonly current?: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** Where profiles are kept (XDG Base Directory Specification). */
export function profilesFile(environment: NodeJS.ProcessEnv = process.env): string {
  const directory = environment['XDG_CONFIG_HOME'] || path.join(homedir(), '.config');
  return path.join(directory, 'sonde', 'profiles.json');
}

/**
 * Reads the profiles; there are none before the first login.
 * @throws Error if the file cannot be read, or is no such file.
 */
export async function readProfiles(file: string): Promise<Profiles> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { profiles: {} };
    throw error;
  }
  try {
    const { current, profiles } = JSON.parse(text) as Partial<Profiles>;
    if (typeof profiles !== 'object') throw new Error('it has no profiles');
    return { profiles, ...(current === undefined ? {} : { current }) };
  } catch (error) {
    throw new Error(`${file} cannot be used: ${(error as Error).message}; remove it and log in anew`, {
      cause: error,
    });
  }
}

/** Keeps a profile, in place of the one of its name. The file holds tokens: only its owner may read it. */
export async function saveProfile(
  file: string,
  name: string,
  profile: Profile,
  isCurrent: boolean,
): Promise<void> {
  const { current, profiles } = await readProfiles(file);
  const chosen = isCurrent ? name : current;
  const content: Profiles = {
    ...(chosen === undefined ? {} : { current: chosen }),
    profiles: { ...profiles, [name]: profile },
  };
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const written = `${file}.${process.pid}`;
  await writeFile(written, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(written, file);
}
