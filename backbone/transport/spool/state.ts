import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory } from './segment.js';

/** The durable state of a spool besides its segments. */
export interface SpoolState {
  /** Unique name of the spool, also among spools that were in the same directory before. */
  readonly stream: string;
  /** What was dropped since the spool was created. */
  readonly lost: DroppedMessages;
  /** A segment that is counted as lost and must be deleted if it still exists. */
  readonly dropping?: string | undefined;
  /** First positions of damaged ranges in segments that are counted as lost. */
  readonly damaged?: readonly number[] | undefined;
}

export interface DroppedMessages {
  readonly messages: number;
  readonly flows: number;
  readonly lookups: number;
}

export const NOTHING_LOST: DroppedMessages = { messages: 0, flows: 0, lookups: 0 };

/** The sum of two losses. */
export function addLosses(a: DroppedMessages, b: DroppedMessages): DroppedMessages {
  return { messages: a.messages + b.messages, flows: a.flows + b.flows, lookups: a.lookups + b.lookups };
}

const FILE = 'spool.json';

/** The state of the spool in a directory; creates a new one if there is none. */
export async function readState(directory: string): Promise<SpoolState> {
  try {
    return JSON.parse(await readFile(path.join(directory, FILE), 'utf8')) as SpoolState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const state = { stream: randomBytes(12).toString('hex'), lost: NOTHING_LOST };
    await writeState(directory, state);
    return state;
  }
}

/** Replaces the state; when it resolves, the new one survives a power failure. */
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

/** How far a spool is delivered, as far as the spool knows. */
export interface DeliveryPositions {
  /** All messages before it have arrived; the last ones may have to be sent again. */
  readonly resendFrom: number;
  /** No message from here on was ever sent. */
  readonly taken: number;
}

/** A record of the delivery positions. It survives a crash of the process; after a power failure it may be behind. */
export class DeliveryCheckpoint {
  private constructor(
    /** The positions that the previous process recorded last. */
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

  /** Replaces the positions. All have one length, so a write needs no more disk than the one before. */
  async write({ resendFrom, taken }: DeliveryPositions): Promise<void> {
    await this.handle.write(
      [resendFrom, taken].map((position) => String(position).padStart(16, '0')).join(' '),
      0,
    );
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
