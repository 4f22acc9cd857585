import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createDirectory } from '../../files/create-directory.js';

/** A block's content for one table. */
export interface TableContent {
  /** Name of the table and of the part's file in the spool. */
  readonly table: string;
  readonly content: readonly Uint8Array[];
}

/** A block in the spool, with absolute paths. */
export interface SpooledBlock {
  readonly directory: string;
  readonly parts: readonly { readonly table: string; readonly file: string }[];
}

/**
 * A directory of blocks that are being inserted, each a directory with one file per table. A block gets its final name
 * once it is completely on disk, and is removed once it is stored; blocks that are present at the start were left by a
 * crash.
 */
export class ArrowSpool {
  #next = 0;

  private constructor(readonly directory: string) {}

  /** Opens a spool: creates its directory if it does not exist and removes incomplete blocks. */
  static async open(directory: string): Promise<ArrowSpool> {
    await createDirectory(directory);
    const spool = new ArrowSpool(directory);
    for (const name of await readdir(directory)) {
      if (name.endsWith(unfinished)) await rm(path.join(directory, name), { recursive: true });
    }
    const last = (await spool.blocks()).at(-1);
    if (last !== undefined) spool.#next = Number.parseInt(path.basename(last.directory), 10) + 1;
    return spool;
  }

  /** The blocks in the order in which they were written. */
  async blocks(): Promise<SpooledBlock[]> {
    const names = (await readdir(this.directory)).filter((name) => name.endsWith(finished));
    const directories = names.sort().map((name) => path.join(this.directory, name));
    return Promise.all(
      directories.map(async (directory) => {
        const tables = (await readdir(directory)).sort().map((file) => path.basename(file, extension));
        return spooledBlock(directory, tables);
      }),
    );
  }

  /** Writes a block; when it resolves, the block survives a power failure. */
  async write(parts: readonly TableContent[]): Promise<SpooledBlock> {
    const base = path.join(this.directory, String(this.#next++).padStart(12, '0'));
    try {
      await mkdir(base + unfinished);
      for (const { table, content } of parts) {
        await writeAndSync(path.join(base + unfinished, table + extension), content);
      }
      await syncDirectory(base + unfinished);
      await rename(base + unfinished, base + finished);
      await syncDirectory(this.directory);
    } catch (error) {
      await rm(base + unfinished, { recursive: true, force: true });
      throw error;
    }
    return spooledBlock(
      base + finished,
      parts.map(({ table }) => table),
    );
  }

  async remove({ directory }: SpooledBlock): Promise<void> {
    await rm(directory, { recursive: true });
  }
}

const finished = '.block';
const unfinished = '.partial';
const extension = '.arrow';

function spooledBlock(directory: string, tables: readonly string[]): SpooledBlock {
  return {
    directory,
    parts: tables.map((table) => ({ table, file: path.join(directory, table + extension) })),
  };
}

async function writeAndSync(name: string, content: readonly Uint8Array[]): Promise<void> {
  const file = await open(name, 'w');
  try {
    await writeFile(file, content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename in the directory survive a power failure (fsync(2)). */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
