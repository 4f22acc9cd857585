import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory } from './segment.js';

/** What a spool must know of itself whatever happens, beside its segments. */
export interface SpoolState {
  /** Tells this spool from every other, also from one that lay in the same place before. */
  readonly stream: string;
  /** What had to be dropped since the spool was made. */
  readonly lost: DroppedMessages;
  /** A segment that is counted as lost, and so must go if it still lies there. */
  readonly dropping?: string;
}

export interface DroppedMessages {
  readonly messages: number;
  readonly flows: number;
  readonly lookups: number;
}

const nothingLost: DroppedMessages = { messages: 0, flows: 0, lookups: 0 };

const FILE = 'spool.json';

/** The state of the spool in a directory; a new spool's if there is none. */
export async function readState(directory: string): Promise<SpoolState> {
  try {
    return JSON.parse(await readFile(path.join(directory, FILE), 'utf8')) as SpoolState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const state = { stream: randomBytes(12).toString('hex'), lost: nothingLost };
    await writeState(directory, state);
    return state;
  }
}

/** Replaces the state; when it resolves, the new one survives a power cut. */
export async function writeState(directory: string, state: SpoolState): Promise<void> {
  const file = path.join(directory, FILE);
  const handle = await open(`${file}.new`, 'w');
  try {
    await handle.writeFile(JSON.stringify(state));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  await syncDirectory(directory);
}

/** How far a spool has been delivered, as far as it knows itself. */
export interface DeliveryPositions {
  /** Everything before it has arrived; what was sent last before may have to be sent again. */
  readonly resendFrom: number;
  /** Nothing from here on was ever sent. */
  readonly taken: number;
}

/** Notes how far was delivered. It survives a crash of the process, if not of the machine: then it may be behind. */
export class DeliveryCheckpoint {
  private constructor(
    /** What the process before this one noted last. */
    readonly positions: DeliveryPositions,
    private readonly handle: FileHandle,
  ) {}

  static async open(directory: string): Promise<DeliveryCheckpoint> {
    const handle = await open(path.join(directory, 'delivered'), constants.O_RDWR | constants.O_CREAT);
    const [resendFrom = 0, taken = resendFrom] = (await handle.readFile('utf8'))
      .split(' ')
      .map(Number)
      .filter((position) => Number.isSafeInteger(position));
    return new DeliveryCheckpoint({ resendFrom, taken }, handle);
  }

  async write({ resendFrom, taken }: DeliveryPositions): Promise<void> {
    // All notes are of one length, so one write replaces the former.
    await this.handle.write(
      [resendFrom, taken].map((position) => String(position).padStart(16, '0')).join(' '),
      0,
    );
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
