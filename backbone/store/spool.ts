import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * A directory of blocks on their way into the store. A block's file appears under its name only when it is whole
 * and on the disk, and goes when the block is stored: whatever lies there on start is what a crash left.
 */
export class Spool {
  #next = 0;

  private constructor(readonly directory: string) {}

  /** Opens a spool, making its directory if need be and removing files that a crash left unfinished. */
  static async open(directory: string): Promise<Spool> {
    await mkdir(directory, { recursive: true });
    const spool = new Spool(directory);
    for (const name of await readdir(directory)) {
      if (name.endsWith(unfinished)) await rm(path.join(directory, name));
    }
    const last = (await spool.files()).at(-1);
    if (last !== undefined) spool.#next = Number.parseInt(path.basename(last), 10) + 1;
    return spool;
  }

  /** The files that wait, in the order in which they were written, as absolute paths. */
  async files(): Promise<string[]> {
    const names = (await readdir(this.directory)).filter((name) => name.endsWith(finished));
    return names.sort().map((name) => path.join(this.directory, name));
  }

  /** Writes a block; when it resolves, the file survives a power cut. */
  async write(content: Uint8Array): Promise<string> {
    const base = path.join(this.directory, String(this.#next++).padStart(12, '0'));
    try {
      await writeAndSync(base + unfinished, content);
      await rename(base + unfinished, base + finished);
      await syncDirectory(this.directory);
    } catch (error) {
      await rm(base + unfinished, { force: true });
      throw error;
    }
    return base + finished;
  }

  async remove(file: string): Promise<void> {
    await rm(file);
  }
}

const finished = '.arrow';
const unfinished = '.partial';

async function writeAndSync(name: string, content: Uint8Array): Promise<void> {
  const file = await open(name, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename in the directory survive a power cut (fsync(2)). */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
