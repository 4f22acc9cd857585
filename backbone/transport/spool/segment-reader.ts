import { type FileHandle, open } from 'node:fs/promises';
import { type DamagedRange, damagedRange, findRecord } from './damage.js';
import { decodeRecord, MIN_RECORD_BYTES, type SpoolRecord } from './record.js';
import type { Segment } from './segment.js';

/** A segment that an earlier process has left. */
export interface RecoveredSegment extends Segment {
  /** Number of bytes that were cut from its end. */
  readonly cutBytes: number;
  /** Accepted messages among the cut bytes. */
  readonly lost?: DamagedRange | undefined;
}

/**
 * Recovers a segment of an earlier process: cuts from its end what is not a record (an incomplete write, or damage) or
 * has a position of the next segment (a rejected write). Damage before its last intact record stays, and is skipped by
 * readers.
 * @param nextFirst the first position of the next segment; Infinity if this is the last one.
 */
export async function recoverSegment(
  file: string,
  first: number,
  nextFirst = Infinity,
): Promise<RecoveredSegment> {
  const handle = await open(file, 'r+');
  try {
    const content = await handle.readFile();
    let bytes = 0;
    let end = first;
    for (;;) {
      let read = decodeRecord(content, bytes);
      if (typeof read === 'string') read = findRecord(content, bytes + 1, end, nextFirst) ?? read;
      if (typeof read === 'string' || read.record.position >= nextFirst) break;
      bytes = read.end;
      end = read.record.position + 1;
    }
    const cutBytes = content.length - bytes;
    if (cutBytes > 0) {
      await handle.truncate(bytes);
      await handle.sync();
    }
    return { file, first, end, bytes, cutBytes, lost: lostAtEnd(content, bytes, end, nextFirst) };
  } finally {
    await handle.close();
  }
}

/** The accepted messages after the last intact record of a segment. */
function lostAtEnd(content: Buffer, start: number, end: number, nextFirst: number): DamagedRange | undefined {
  const length = content.length - start;
  if (length === 0) return undefined;
  if (nextFirst < Infinity) {
    const lost = Math.min(nextFirst - end, Math.ceil(length / MIN_RECORD_BYTES));
    return lost > 0 ? damagedRange(content, start, end, end + lost) : undefined;
  }
  // A crash leaves a write incomplete or, after a power failure, zeros; such a message was never accepted.
  const isCrash = decodeRecord(content, start) !== 'damaged' || content.readUInt32LE(start) === 0;
  return isCrash ? undefined : damagedRange(content, start, end, end + 1);
}

/** The next records of a segment, or messages in their place that cannot be read. */
export type SegmentRead =
  | { readonly kind: 'records'; readonly records: readonly SpoolRecord[] }
  | { readonly kind: 'damage'; readonly range: DamagedRange };

/** Reads a segment's records one after the other, also while it grows. */
export class SegmentReader {
  #at = 0;
  /** The position of the record at `#at`. */
  #position: number;

  private constructor(
    readonly segment: Segment,
    private readonly handle: FileHandle,
  ) {
    this.#position = segment.first;
  }

  static async open(segment: Segment): Promise<SegmentReader> {
    return new SegmentReader(segment, await open(segment.file, 'r'));
  }

  /** The next records: at least one if there is one, and more while they fit into `maxBytes`. */
  async next(maxBytes: number): Promise<SegmentRead> {
    const available = this.segment.bytes - this.#at;
    if (available === 0) return { kind: 'records', records: [] };
    let records = await this.#read(Math.min(available, maxBytes));
    // A record longer than the limit is read alone.
    if (records.length === 0) records = await this.#read(available, 1);
    if (records.length > 0) return { kind: 'records', records };
    return { kind: 'damage', range: await this.#skipDamage(available) };
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** The intact records, at most `maxRecords`, within the next `length` bytes. */
  async #read(length: number, maxRecords = Infinity): Promise<SpoolRecord[]> {
    const bytes = await this.#bytes(length);
    const records: SpoolRecord[] = [];
    let start = 0;
    while (records.length < maxRecords && start < bytes.length) {
      const read = decodeRecord(bytes, start);
      if (typeof read === 'string') break;
      records.push(read.record);
      start = read.end;
      this.#position = read.record.position + 1;
    }
    this.#at += start;
    return records;
  }

  /** Moves to the next intact record within the next `length` bytes, or to the end of the segment. */
  async #skipDamage(length: number): Promise<DamagedRange> {
    const bytes = await this.#bytes(length);
    const next = findRecord(bytes, 1, this.#position, this.segment.end);
    const range = damagedRange(bytes, 0, this.#position, next?.record.position ?? this.segment.end);
    this.#at += next?.start ?? length;
    this.#position = range.end;
    return range;
  }

  async #bytes(length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.handle.read(buffer, 0, length, this.#at);
    return buffer.subarray(0, bytesRead);
  }
}
