import { readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { nearestNames } from '@sonde/model/filter/nearest-names';
import { whileLocked } from './file-lock.js';
import { createDirectory } from '@sonde/backbone/files/create-directory';

/** A server and the login to it. */
export interface Profile {
  readonly server: string;
  /** The token; absent if the server requires none. */
  readonly token?: string;
  /** How to renew the token. */
  readonly renewal?: Renewal;
  /** Whether the token may be sent over unencrypted HTTP. */
  readonly insecureHttp?: true;
}

/** What renewing a token at an OpenID provider needs (RFC 6749 §6). */
export interface Renewal {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly refreshToken: string;
  /** When the token expires, in ms since 1970. */
  readonly expiresAtMs: number;
  /** Where the refresh token can be revoked (RFC 7009), if the provider supports it. */
  readonly revocationEndpoint?: string;
}

/** The saved profiles by name. */
export interface Profiles {
  /** The profile that commands use by default. */
  readonly current?: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** The file of profiles (XDG Base Directory Specification). */
export function profilesFile(environment: NodeJS.ProcessEnv = process.env): string {
  const directory = environment['XDG_CONFIG_HOME'] || path.join(homedir(), '.config');
  return path.join(directory, 'sonde', 'profiles.json');
}

/**
 * Reads the profiles; none if the file does not exist.
 * @throws Error if the file cannot be read or is invalid.
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
    throw new Error(`${file} is invalid: ${(error as Error).message}; remove it and log in again`, {
      cause: error,
    });
  }
}

/**
 * The profile of a name.
 * @throws Error that lists the profiles if it does not exist.
 */
export function namedProfile({ profiles }: Profiles, name: string): Profile {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile) return profile;
  const names = Object.keys(profiles);
  const near = nearestNames(name, names);
  const listed = names.length === 0 ? 'none is saved' : `saved: ${names.join(', ')}`;
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : `${listed}; \`sonde login --profile ${name}\` creates it`;
  throw new Error(`there is no profile "${name}": ${hint}`);
}

/** Saves a profile, replacing one of the same name, and makes it the current one. */
export async function saveProfile(file: string, name: string, profile: Profile): Promise<void> {
  await changeProfiles(file, ({ profiles }) => ({
    current: name,
    profiles: { ...profiles, [name]: profile },
  }));
}

/**
 * Changes the profiles under a lock and returns the result. The file contains tokens: only its owner may read it.
 */
export async function changeProfiles(
  file: string,
  change: (profiles: Profiles) => Profiles | Promise<Profiles>,
): Promise<Profiles> {
  await createDirectory(path.dirname(file), 0o700);
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
