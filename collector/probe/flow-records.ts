import { halvesOf, writeWide } from '@sonde/model/flow/wide';
import { allocateObservedColumns, type ObservedFlows } from '@sonde/model/flow/observed';
import { MalformedPayloadError } from './malformed-payload.js';

/** Bytes of a record that this reader knows; a later probe may send longer ones. */
export const FLOW_RECORD_BYTES = 144;

const HEADER_BYTES = 8;
const CONNECTION_STATES = 5;

/** High half of the microseconds of the year 2200; ClickHouse's DateTime64 reaches to 2299. */
const LATEST_HIGH_HALF = Math.floor((Date.UTC(2200, 0) * 1000) / 2 ** 32);

/** The records of one FLOWS frame, checked. */
export interface FlowRecords {
  readonly count: number;
  /** Bytes from one record to the next. */
  readonly stride: number;
  readonly bytes: Buffer;
}

/**
 * The records of a FLOWS payload.
 * @throws MalformedPayloadError if the payload is not what its header says, or holds what no probe writes, so
 * that a damaged frame cannot bring impossible values into the store.
 */
export function flowRecords(payload: Buffer): FlowRecords {
  if (payload.length < HEADER_BYTES)
    throw new MalformedPayloadError(`FLOWS of ${payload.length} bytes has no header`);
  const count = payload.readUInt32LE(0);
  const stride = payload.readUInt32LE(4);
  if (stride < FLOW_RECORD_BYTES || stride % 8 !== 0) {
    throw new MalformedPayloadError(
      `flow records of ${stride} bytes; at least ${FLOW_RECORD_BYTES}, in eights, expected`,
    );
  }
  if (payload.length !== HEADER_BYTES + count * stride) {
    throw new MalformedPayloadError(
      `FLOWS of ${payload.length} bytes cannot hold ${count} records of ${stride}`,
    );
  }
  const bytes = payload.subarray(HEADER_BYTES);
  for (let record = 0; record < count; record++) checkRecord(bytes, record * stride, record);
  return { count, stride, bytes };
}

/**
 * Turns the records of a window's frames into columns. Hot path: records are 32-bit words (and 16-bit halves
 * of them) that are copied from row to column; no object is made per flow.
 */
export function toColumns(parts: readonly FlowRecords[]): ObservedFlows {
  const rows = parts.reduce((sum, part) => sum + part.count, 0);
  const columns = allocateObservedColumns(rows);

  const sourceAddresses = wordsOf(columns.src_ip);
  const destinationAddresses = wordsOf(columns.dst_ip);
  const serviceAddresses = wordsOf(columns.dst_service_ip);
  const starts = halvesOf(columns.start_time);
  const ends = halvesOf(columns.end_time);
  const bytesOut = halvesOf(columns.bytes_out);
  const bytesIn = halvesOf(columns.bytes_in);
  const packetsOut = halvesOf(columns.packets_out);
  const packetsIn = halvesOf(columns.packets_in);

  let row = 0;
  for (const { count, stride, bytes: unaligned } of parts) {
    // A copy is aligned to words whatever the stream's framing was.
    const bytes = new Uint8Array(unaligned);
    const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
    const shorts = new Uint16Array(bytes.buffer, 0, bytes.length >> 1);
    for (let record = 0; record < count; record++, row++) {
      const word = (record * stride) >> 2;
      const short = word * 2;
      const byte = word * 4;
      for (let i = 0; i < 4; i++) {
        sourceAddresses[row * 4 + i] = words[word + i] ?? 0;
        destinationAddresses[row * 4 + i] = words[word + 4 + i] ?? 0;
        serviceAddresses[row * 4 + i] = words[word + 8 + i] ?? 0;
      }
      writeWide(starts, row, microsToMillis(words, word + 12));
      writeWide(ends, row, microsToMillis(words, word + 14));
      for (let half = 0; half < 2; half++) {
        bytesOut[row * 2 + half] = words[word + 16 + half] ?? 0;
        bytesIn[row * 2 + half] = words[word + 18 + half] ?? 0;
        packetsOut[row * 2 + half] = words[word + 20 + half] ?? 0;
        packetsIn[row * 2 + half] = words[word + 22 + half] ?? 0;
      }
      columns.connections_started[row] = words[word + 24] ?? 0;
      columns.connections_completed[row] = words[word + 25] ?? 0;
      columns.rtt_us[row] = words[word + 26] ?? 0;
      columns.rtt_min_us[row] = words[word + 27] ?? 0;
      columns.connect_us[row] = words[word + 28] ?? 0;
      columns.sampling[row] = words[word + 30] ?? 0;
      columns.src_port[row] = shorts[short + 62] ?? 0;
      columns.dst_port[row] = shorts[short + 63] ?? 0;
      columns.dst_service_port[row] = shorts[short + 64] ?? 0;
      columns.tcp_flags[row] = shorts[short + 65] ?? 0;
      columns.protocol[row] = bytes[byte + 132] ?? 0;
      columns.icmp_type[row] = bytes[byte + 133] ?? 0;
      columns.icmp_code[row] = bytes[byte + 134] ?? 0;
      columns.connection_state[row] = bytes[byte + 135] ?? 0;
      columns.reporter[row] = reporterOf(bytes[byte + 136] ?? 0);
    }
  }
  return { rows, columns };
}

function checkRecord(records: Buffer, at: number, record: number): void {
  const state = records.readUInt8(at + 135);
  if (state >= CONNECTION_STATES)
    throw new MalformedPayloadError(`flow record ${record} has connection state ${state}`);
  const start = highHalf(records, at + 48);
  const end = highHalf(records, at + 56);
  if (start > end || end > LATEST_HIGH_HALF)
    throw new MalformedPayloadError(`flow record ${record} has impossible times`);
}

function highHalf(records: Buffer, at: number): number {
  return records.readUInt32LE(at + 4);
}

/** The declaration's order of `reporter`: src, dst, both. Without a known end the record stands for both. */
function reporterOf(ends: number): number {
  return ends === 1 ? 0 : ends === 2 ? 1 : 2;
}

function wordsOf(addresses: Uint8Array): Uint32Array {
  return new Uint32Array(addresses.buffer, addresses.byteOffset, addresses.length >> 2);
}

function microsToMillis(words: Uint32Array, at: number): number {
  return Math.floor(((words[at + 1] ?? 0) * 2 ** 32 + (words[at] ?? 0)) / 1000);
}
