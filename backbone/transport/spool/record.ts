import { crc32 } from 'node:zlib';
import type { OutgoingMessage } from './sink.js';

/** A message in the spool. */
export interface SpoolRecord extends OutgoingMessage {
  /** How many flows and lookups would be lost with it. */
  readonly contents: RecordCounts;
}

export interface RecordCounts {
  readonly flows: number;
  readonly lookups: number;
}

/**
 * A record's bytes, numbers little-endian: u32 length of what follows the first eight bytes, u32 their CRC-32, u64
 * position, u32 flows, u32 lookups, u16 length of the topic, u16 length of the key, topic, key, value.
 */
const HEADER_BYTES = 8;
const FIXED_BYTES = 20;

/** No record is longer: a length above is damage, and nothing is allocated for it. */
const MAX_RECORD_BYTES = 64 * 2 ** 20;

/** @throws RangeError if the record is longer than records may be. */
export function encodeRecord({ position, contents, topic, key, value }: SpoolRecord): Buffer {
  const topicBytes = Buffer.from(topic);
  const keyBytes = Buffer.from(key);
  const length = FIXED_BYTES + topicBytes.length + keyBytes.length + value.length;
  if (length > MAX_RECORD_BYTES)
    throw new RangeError(`a message of ${length} bytes is too long for the spool`);
  const record = Buffer.allocUnsafe(HEADER_BYTES + length);
  record.writeUInt32LE(length, 0);
  record.writeBigUInt64LE(BigInt(position), 8);
  record.writeUInt32LE(contents.flows, 16);
  record.writeUInt32LE(contents.lookups, 20);
  record.writeUInt16LE(topicBytes.length, 24);
  record.writeUInt16LE(keyBytes.length, 26);
  let at = HEADER_BYTES + FIXED_BYTES;
  for (const part of [topicBytes, keyBytes, value]) {
    record.set(part, at);
    at += part.length;
  }
  record.writeUInt32LE(crc32(record.subarray(HEADER_BYTES)), 4);
  return record;
}

/** A record as it was read, and where the next one begins. */
export interface ReadRecord {
  readonly record: SpoolRecord;
  readonly end: number;
}

/**
 * The record that begins at `start`. `incomplete` says that the bytes end before it does, `damaged` that it is not what
 * was written.
 */
export function decodeRecord(bytes: Buffer, start: number): ReadRecord | 'incomplete' | 'damaged' {
  if (bytes.length < start + HEADER_BYTES) return 'incomplete';
  const length = bytes.readUInt32LE(start);
  if (length < FIXED_BYTES || length > MAX_RECORD_BYTES) return 'damaged';
  const end = start + HEADER_BYTES + length;
  if (bytes.length < end) return 'incomplete';
  const body = bytes.subarray(start + HEADER_BYTES, end);
  if (crc32(body) !== bytes.readUInt32LE(start + 4)) return 'damaged';
  const topicEnd = FIXED_BYTES + body.readUInt16LE(16);
  const keyEnd = topicEnd + body.readUInt16LE(18);
  const record = {
    position: Number(body.readBigUInt64LE(0)),
    contents: { flows: body.readUInt32LE(8), lookups: body.readUInt32LE(12) },
    topic: body.toString('utf8', FIXED_BYTES, topicEnd),
    key: body.toString('utf8', topicEnd, keyEnd),
    value: body.subarray(keyEnd),
  };
  return { record, end };
}
