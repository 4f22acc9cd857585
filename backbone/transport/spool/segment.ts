import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { decodeRecord, encodeRecord, type SpoolRecord } from './record.js';

/** What is known of a segment, a file of records of rising positions that is named by its first one. */
export interface Segment {
  readonly file: string;
  readonly first: number;
  /** Position after its last record. */
  end: number;
  /** Length of its whole records, all of which survive a crash. */
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

/**
 * Reads a segment that another process has left. What follows its last whole record (a write that a crash has cut
 * off), or has a position of the next segment's (a write that was refused), is cut from the file; `cutBytes` says how much
 * that was.
 */
export async function recoverSegment(
  file: string,
  first: number,
  nextFirst = Infinity,
): Promise<Segment & { cutBytes: number }> {
  const handle = await open(file, 'r+');
  try {
    const content = await handle.readFile();
    let bytes = 0;
    let end = first;
    for (;;) {
      const read = decodeRecord(content, bytes);
      if (typeof read === 'string' || read.record.position >= nextFirst) break;
      bytes = read.end;
      end = read.record.position + 1;
    }
    const cutBytes = content.length - bytes;
    if (cutBytes > 0) {
      await handle.truncate(bytes);
      await handle.sync();
    }
    return { file, first, end, bytes, cutBytes };
  } finally {
    await handle.close();
  }
}

/** Appends records to a new segment. */
export class SegmentWriter {
  private constructor(
    readonly segment: Segment,
    private readonly handle: FileHandle,
  ) {}

  static async create(directory: string, first: number): Promise<SegmentWriter> {
    const file = segmentFile(directory, first);
    // One that is there already is empty: it would have another name otherwise.
    const handle = await open(file, 'w');
    await syncDirectory(directory);
    return new SegmentWriter({ file, first, end: first, bytes: 0 }, handle);
  }

  /** Writes records; when it resolves they survive a power cut. After it has rejected, the writer is of no use. */
  async append(records: readonly SpoolRecord[]): Promise<void> {
    const bytes = Buffer.concat(records.map(encodeRecord));
    const { bytesWritten } = await this.handle.write(bytes, 0, bytes.length, this.segment.bytes);
    if (bytesWritten < bytes.length) throw new Error(`${this.segment.file}: the disk is full`);
    await this.handle.datasync();
    this.segment.bytes += bytes.length;
    this.segment.end = (records.at(-1)?.position ?? this.segment.end - 1) + 1;
  }

  /** Cuts what an append left that has rejected: nobody was told that it is there. */
  async cut(): Promise<void> {
    await this.handle.truncate(this.segment.bytes);
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Reads a segment's records one after the other, also while it grows. */
export class SegmentReader {
  #at = 0;

  private constructor(
    readonly segment: Segment,
    private readonly handle: FileHandle,
  ) {}

  static async open(segment: Segment): Promise<SegmentReader> {
    return new SegmentReader(segment, await open(segment.file, 'r'));
  }

  /**
   * The next records: at least one if there is one, more while they fit into `maxBytes`.
   * @throws SpoolDamagedError if a record is not what was written.
   */
  async next(maxBytes: number): Promise<SpoolRecord[]> {
    const available = this.segment.bytes - this.#at;
    if (available === 0) return [];
    const records = await this.#read(Math.min(available, maxBytes));
    // One that is longer than the limit is read by itself.
    return records.length > 0 ? records : await this.#read(available, 1);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** The whole records, and no more than `maxRecords`, that begin within the next `length` bytes. */
  async #read(length: number, maxRecords = Infinity): Promise<SpoolRecord[]> {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.handle.read(buffer, 0, length, this.#at);
    const bytes = buffer.subarray(0, bytesRead);
    const records: SpoolRecord[] = [];
    let start = 0;
    while (records.length < maxRecords && start < length) {
      const read = decodeRecord(bytes, start);
      if (read === 'damaged' || bytesRead < length) {
        if (records.length > 0) break;
        throw new SpoolDamagedError(this.segment.file, this.#at);
      }
      if (read === 'incomplete') break;
      records.push(read.record);
      start = read.end;
    }
    this.#at += start;
    return records;
  }
}

/** A segment holds, where a record should be, something else. */
export class SpoolDamagedError extends Error {
  override readonly name = 'SpoolDamagedError';
  constructor(file: string, at: number) {
    super(`${file} is damaged at byte ${at}: the rest of it cannot be read`);
  }
}

/** Makes files that were created or renamed in a directory survive a power cut (fsync(2)). */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
