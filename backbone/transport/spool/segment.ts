import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { encodeRecord, type SpoolRecord } from './record.js';

/** A file of records with increasing positions, named after its first position. */
export interface Segment {
  readonly file: string;
  readonly first: number;
  /** The position after its last record. */
  end: number;
  /** Length of its complete records, which survive a crash. */
  bytes: number;
}

const EXTENSION = '.segment';

function segmentFile(directory: string, first: number): string {
  return path.join(directory, String(first).padStart(16, '0') + EXTENSION);
}

/** The first position of a segment by its file's name; undefined if it is another file. */
export function firstPosition(name: string): number | undefined {
  return /^\d{16}\.segment$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** Appends records to a new segment. */
export class SegmentWriter {
  private constructor(
    readonly segment: Segment,
    private readonly handle: FileHandle,
  ) {}

  /** Creates the segment that starts at a position; an empty one with that position is replaced. */
  static async create(directory: string, first: number): Promise<SegmentWriter> {
    const file = segmentFile(directory, first);
    const handle = await open(file, 'w');
    try {
      await syncDirectory(directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new SegmentWriter({ file, first, end: first, bytes: 0 }, handle);
  }

  /**
   * Writes records; when it resolves, they survive a power failure. After it has rejected, the writer can only be cut
   * and closed.
   */
  async append(records: readonly SpoolRecord[]): Promise<void> {
    const bytes = Buffer.concat(records.map(encodeRecord));
    const { bytesWritten } = await this.handle.write(bytes, 0, bytes.length, this.segment.bytes);
    if (bytesWritten < bytes.length) throw new Error(`${this.segment.file}: the disk is full`);
    await this.handle.datasync();
    this.segment.bytes += bytes.length;
    this.segment.end = (records.at(-1)?.position ?? this.segment.end - 1) + 1;
  }

  /** Removes what a rejected append has written. */
  async cut(): Promise<void> {
    await this.handle.truncate(this.segment.bytes);
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Makes files that were created or renamed in a directory survive a power failure (fsync(2)). */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
