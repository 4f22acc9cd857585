import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { whileLocked } from './file-lock.js';

/** How to reach a server, and as whom. */
export interface Profile {
  readonly server: string;
  /** The token that the server knows its owner by; absent where none is needed. */
  readonly token?: string;
  /** How to get a new token when it expires. */
  readonly renewal?: Renewal;
  /** Whether the token may go there by plain http. */
  readonly insecureHttp?: true;
}

/** What an OpenID provider renews a token for (RFC 6749 §6). */
export interface Renewal {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly refreshToken: string;
  /** When the token expires, in ms since 1970. */
  readonly expiresAtMs: number;
  /** Where the provider is told that nobody needs it any more (RFC 7009), if it has such a place. */
  readonly revocationEndpoint?: string;
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
    throw new Error(`${file} cannot be used: ${(error as Error).message}; remove it and log in again`, {
      cause: error,
    });
  }
}

/**
 * The profile of a name.
 * @throws Error that says which there are, if there is none.
 */
export function namedProfile({ profiles }: Profiles, name: string): Profile {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile) return profile;
  const known = Object.keys(profiles).join(', ') || 'none';
  throw new Error(`there is no profile "${name}" (there are: ${known}); \`sonde login\` makes one`);
}

/** Keeps a profile, in place of the one of its name, and has it be the one to use where none is named. */
export async function saveProfile(file: string, name: string, profile: Profile): Promise<void> {
  await changeProfiles(file, ({ profiles }) => ({
    current: name,
    profiles: { ...profiles, [name]: profile },
  }));
}

/**
 * Changes the profiles, while no other process does, and gives them as they then are. The file holds tokens: only its
 * owner may read it.
 */
export async function changeProfiles(
  file: string,
  change: (profiles: Profiles) => Profiles | Promise<Profiles>,
): Promise<Profiles> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  return whileLocked(`${file}.lock`, async () => {
    const before = await readProfiles(file);
    const after = await change(before);
    if (after === before) return after;
    const written = `${file}.${process.pid}`;
    await writeFile(written, `${JSON.stringify(after, null, 2)}\n`, { mode: 0o600 });
    await rename(written, file);
    return after;
  });
}
