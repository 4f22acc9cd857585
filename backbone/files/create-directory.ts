import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** A directory cannot be created or used; the message says why and what to do. */
export class DirectoryNotUsableError extends Error {
  override readonly name = 'DirectoryNotUsableError';
  readonly code = 'SONDE_DIRECTORY_NOT_USABLE';

  constructor(directory: string, reason: string, options?: ErrorOptions) {
    super(`cannot create the directory ${directory}: ${reason}; use another directory`, options);
  }
}

/**
 * Creates a directory and its missing parents, one by one: `mkdir` of Node with `recursive` never returns in file systems
 * that refuse to create directories without a parent missing, such as `/proc`.
 * @param mode permissions of created directories.
 * @throws DirectoryNotUsableError
 */
export async function createDirectory(directory: string, mode = 0o777): Promise<void> {
  const missing: string[] = [];
  let parent = path.resolve(directory);
  while (!(await exists(parent, directory))) {
    missing.unshift(parent);
    parent = path.dirname(parent);
  }
  for (const step of missing) {
    try {
      await mkdir(step, mode);
    } catch (error) {
      // Another process may have created it meanwhile.
      if (codeOf(error) === 'EEXIST' && (await exists(step, directory))) continue;
      throw new DirectoryNotUsableError(directory, reasonOf(error, path.dirname(step)), { cause: error });
    }
  }
}

/** Whether a directory exists. Throws if something else has its path, or a part of it. */
async function exists(directory: string, wanted: string): Promise<boolean> {
  try {
    if ((await stat(directory)).isDirectory()) return true;
  } catch (error) {
    const code = codeOf(error);
    // A part of the path is a file: the walk upwards finds which.
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw new DirectoryNotUsableError(wanted, reasonOf(error, directory), { cause: error });
  }
  throw new DirectoryNotUsableError(wanted, `${directory} is not a directory`);
}

function reasonOf(error: unknown, parent: string): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return `permission denied in ${parent}`;
    case 'EROFS':
      return `${parent} is on a read-only file system`;
    case 'ENOENT':
      return `the file system of ${parent} does not allow it`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
