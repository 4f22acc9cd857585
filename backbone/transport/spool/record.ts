import { crc32 } from 'node:zlib';

/** An entry of the spool: messages that are delivered together and share a position. */
export interface SpoolRecord {
  /** Index of the record in the spool, from 0. */
  readonly position: number;
  /** The key of its messages. */
  readonly key: string;
  /** Its messages, each for another topic. */
  readonly messages: readonly SpoolMessage[];
  /** The numbers of flows and lookups that would be lost with it. */
  readonly contents: RecordCounts;
}

export interface SpoolMessage {
  readonly topic: string;
  readonly value: Uint8Array;
}

export interface RecordCounts {
  readonly flows: number;
  readonly lookups: number;
}

/** Size of a record's values. */
export function recordSize({ messages }: Pick<SpoolRecord, 'messages'>): number {
  return messages.reduce((sum, { value }) => sum + value.length, 0);
}

/**
 * The format of a record, numbers little-endian: u32 length of what follows the first eight bytes, u32 their CRC-32, u64
 * position, u32 flows, u32 lookups, u16 length of the key, u16 number of messages, key; then for each message u16 length
 * of the topic, u32 length of the value, topic, value.
 */
const HEADER_BYTES = 8;
const FIXED_BYTES = 20;
export const MIN_RECORD_BYTES = HEADER_BYTES + FIXED_BYTES;

/** Maximum length of a record; a greater length is damage, and no memory is allocated for it. */
const MAX_RECORD_BYTES = 64 * 2 ** 20;

const MESSAGE_HEADER_BYTES = 6;

/** @throws RangeError if the record is longer than the maximum. */
export function encodeRecord({ position, contents, key, messages }: SpoolRecord): Buffer {
  const keyBytes = Buffer.from(key);
  const parts = messages.map(({ topic, value }) => ({ topic: Buffer.from(topic), value }));
  const length = parts.reduce(
    (sum, { topic, value }) => sum + MESSAGE_HEADER_BYTES + topic.length + value.length,
    FIXED_BYTES + keyBytes.length,
  );
  if (length > MAX_RECORD_BYTES)
    throw new RangeError(`a message of ${length} bytes is too long for the spool`);
  const record = Buffer.allocUnsafe(HEADER_BYTES + length);
  record.writeUInt32LE(length, 0);
  record.writeBigUInt64LE(BigInt(position), 8);
  record.writeUInt32LE(contents.flows, 16);
  record.writeUInt32LE(contents.lookups, 20);
  record.writeUInt16LE(keyBytes.length, 24);
  record.writeUInt16LE(parts.length, 26);
  record.set(keyBytes, MIN_RECORD_BYTES);
  let at = MIN_RECORD_BYTES + keyBytes.length;
  for (const { topic, value } of parts) {
    record.writeUInt16LE(topic.length, at);
    record.writeUInt32LE(value.length, at + 2);
    record.set(topic, at + MESSAGE_HEADER_BYTES);
    record.set(value, at + MESSAGE_HEADER_BYTES + topic.length);
    at += MESSAGE_HEADER_BYTES + topic.length + value.length;
  }
  record.writeUInt32LE(crc32(record.subarray(HEADER_BYTES)), 4);
  return record;
}

/** A decoded record and where the next one starts. */
export interface DecodedRecord {
  readonly record: SpoolRecord;
  readonly end: number;
}

/**
 * Decodes the record at `start`. `incomplete`: the bytes end before the record does; `damaged`: it is not what was
 * written.
 */
export function decodeRecord(bytes: Buffer, start: number): DecodedRecord | 'incomplete' | 'damaged' {
  if (bytes.length < start + HEADER_BYTES) return 'incomplete';
  const length = bytes.readUInt32LE(start);
  if (length < FIXED_BYTES || length > MAX_RECORD_BYTES) return 'damaged';
  const end = start + HEADER_BYTES + length;
  if (bytes.length < end) return 'incomplete';
  const body = bytes.subarray(start + HEADER_BYTES, end);
  if (crc32(body) !== bytes.readUInt32LE(start + 4)) return 'damaged';
  const keyEnd = FIXED_BYTES + body.readUInt16LE(16);
  const messages: SpoolMessage[] = [];
  let at = keyEnd;
  for (let count = body.readUInt16LE(18); count > 0; count--) {
    const topicEnd = at + MESSAGE_HEADER_BYTES + body.readUInt16LE(at);
    const valueEnd = topicEnd + body.readUInt32LE(at + 2);
    const topic = body.toString('utf8', at + MESSAGE_HEADER_BYTES, topicEnd);
    messages.push({ topic, value: body.subarray(topicEnd, valueEnd) });
    at = valueEnd;
  }
  const record = {
    position: Number(body.readBigUInt64LE(0)),
    contents: { flows: body.readUInt32LE(8), lookups: body.readUInt32LE(12) },
    key: body.toString('utf8', FIXED_BYTES, keyEnd),
    messages,
  };
  return { record, end };
}

/** The fixed fields at `start`, unverified; undefined if the bytes end before. */
export function readFixedFields(
  bytes: Buffer,
  start: number,
): { readonly end: number; readonly position: number; readonly contents: RecordCounts } | undefined {
  if (bytes.length < start + MIN_RECORD_BYTES) return undefined;
  return {
    end: start + HEADER_BYTES + bytes.readUInt32LE(start),
    position: Number(bytes.readBigUInt64LE(start + 8)),
    contents: { flows: bytes.readUInt32LE(start + 16), lookups: bytes.readUInt32LE(start + 20) },
  };
}
