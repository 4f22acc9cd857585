import { halvesOf, writeWide } from '@sonde/model/record/wide';
import type { FieldOfOrigin, FieldType } from '@sonde/model/record/field';
import type { FlowField } from '@sonde/model/flow/fields';
import { allocateObservedColumns, type ObservedFlows } from '@sonde/model/flow/observed';
import { MalformedPayloadError } from './malformed-payload.js';
import type { ProbeNames } from './names.js';

/** Length of a record in bytes; later probes may send longer records. */
export const FLOW_RECORD_BYTES = 264;

const HEADER_BYTES = 8;
const CONNECTION_STATES = 5;
const TUNNELS = 4;
const ORIENTATIONS = 5;

/** Later times (ms since 1970) are rejected as damaged; ClickHouse's DateTime64 ends in 2299. */
export const LATEST_MS = Date.UTC(2200, 0);
const LATEST_HIGH_HALF = Math.floor((LATEST_MS * 1000) / 2 ** 32);

/** The validated records of one FLOWS frame. */
export interface FlowRecords {
  readonly count: number;
  /** Distance between records, in bytes. */
  readonly stride: number;
  readonly bytes: Buffer;
}

/**
 * Validates the payload of a FLOWS frame, so that a damaged frame cannot bring impossible values into the store.
 * @throws MalformedPayloadError if the payload does not match its header or has values that no probe writes.
 */
export function flowRecords(payload: Buffer): FlowRecords {
  if (payload.length < HEADER_BYTES)
    throw new MalformedPayloadError(`FLOWS payload of ${payload.length} bytes is shorter than its header`);
  const count = payload.readUInt32LE(0);
  const stride = payload.readUInt32LE(4);
  if (stride < FLOW_RECORD_BYTES || stride % 8 !== 0) {
    throw new MalformedPayloadError(
      `flow records of ${stride} bytes: expected at least ${FLOW_RECORD_BYTES}, in multiples of 8`,
    );
  }
  if (payload.length !== HEADER_BYTES + count * stride) {
    throw new MalformedPayloadError(
      `FLOWS payload of ${payload.length} bytes does not match ${count} records of ${stride} bytes`,
    );
  }
  const bytes = payload.subarray(HEADER_BYTES);
  for (let record = 0; record < count; record++) checkRecord(bytes, record * stride, record);
  return { count, stride, bytes };
}

/** The observed fields of one of the types. */
type ObservedField = FieldOfOrigin<FlowField, 'observed'>;
type FieldsOfType<Type extends FieldType> = Extract<ObservedField, { type: Type }>['name'];

/** Fields that are converted on their way into their columns instead of being copied. */
type ConvertedField = FieldsOfType<'time'> | 'reporter' | 'dropped_packets';

/**
 * Byte offsets of every copied field of the types. Exhaustive: a new observed field without an offset is a type error,
 * until it is listed here or among {@link ConvertedField}.
 */
type Offsets<Type extends FieldType> = Readonly<Record<Exclude<FieldsOfType<Type>, ConvertedField>, number>>;

/** Offsets of the values in a record, by width (bpf-probe/PROTOCOL.md, "FLOWS"). */
const ADDRESSES = {
  src_ip: 0,
  dst_ip: 16,
  dst_service_ip: 32,
  src_tunnel_ip: 192,
  dst_tunnel_ip: 208,
  src_nat_ip: 240,
} as const satisfies Offsets<'ip'>;
const WIDES = {
  bytes_out: 64,
  bytes_in: 72,
  packets_out: 80,
  packets_in: 88,
  dropped_bytes: 152,
  src_cgroup: 176,
  dst_cgroup: 184,
  connection_age_us: 224,
  connection_duration_us: 232,
} as const satisfies Offsets<'uint64'>;
const WORDS = {
  connections_started: 96,
  connections_completed: 100,
  rtt_us: 104,
  rtt_min_us: 108,
  connect_us: 112,
  sampling: 120,
  tunnel_id: 140,
  retransmits: 144,
} as const satisfies Offsets<'uint32'>;
const SHORTS = {
  src_port: 124,
  dst_port: 126,
  dst_service_port: 128,
  tcp_flags: 130,
  vlan: 138,
  src_nat_port: 256,
} as const satisfies Offsets<'uint16'>;
const BYTES = {
  protocol: 132,
  icmp_type: 133,
  icmp_code: 134,
  connection_state: 135,
  tunnel: 137,
  orientation: 258,
} as const satisfies Offsets<'uint8' | 'boolean' | 'enumeration'>;
const NAMES = {
  drop_reason: 160,
  tls_server_name: 164,
  src_process: 168,
  dst_process: 172,
} as const satisfies Offsets<'string'>;
const CONVERTED = {
  start_time: 48,
  end_time: 56,
  reporter: 136,
  dropped_packets: 148,
} as const satisfies Readonly<Record<ConvertedField, number>>;

/**
 * Converts the records of a window to columns. Hot path: values are copied by width, as bytes, 16-bit or 32-bit words;
 * no object is created per flow.
 */
export function toColumns(parts: readonly FlowRecords[], names: ProbeNames): ObservedFlows {
  const rows = parts.reduce((sum, part) => sum + part.count, 0);
  const columns = allocateObservedColumns(rows);
  const strings = names.columns(rows);

  const addresses = copies(ADDRESSES, (name) => wordsOf(columns[name]));
  const wides = copies(WIDES, (name) => halvesOf(columns[name]));
  const words = copies(WORDS, (name) => columns[name]);
  const shorts = copies(SHORTS, (name) => columns[name]);
  const bytes = copies(BYTES, (name) => columns[name]);
  const named = copies(NAMES, (name) => strings[name]);
  const starts = halvesOf(columns.start_time);
  const ends = halvesOf(columns.end_time);
  const droppedPackets = halvesOf(columns.dropped_packets);

  let row = 0;
  for (const part of parts) {
    const from8 = alignedToWords(part.bytes);
    const from32 = new Uint32Array(from8.buffer, from8.byteOffset, from8.length >> 2);
    const from16 = new Uint16Array(from8.buffer, from8.byteOffset, from8.length >> 1);
    for (let at = 0; at < from8.length; at += part.stride, row++) {
      const word = at >> 2;
      for (const { column, offset } of addresses) {
        const source = word + (offset >> 2);
        column[row * 4] = from32[source] ?? 0;
        column[row * 4 + 1] = from32[source + 1] ?? 0;
        column[row * 4 + 2] = from32[source + 2] ?? 0;
        column[row * 4 + 3] = from32[source + 3] ?? 0;
      }
      for (const { column, offset } of wides) {
        column[row * 2] = from32[word + (offset >> 2)] ?? 0;
        column[row * 2 + 1] = from32[word + (offset >> 2) + 1] ?? 0;
      }
      for (const { column, offset } of words) column[row] = from32[word + (offset >> 2)] ?? 0;
      for (const { column, offset } of shorts) column[row] = from16[(at + offset) >> 1] ?? 0;
      for (const { column, offset } of bytes) column[row] = from8[at + offset] ?? 0;
      for (const { column, offset } of named) column.set(row, from32[word + (offset >> 2)] ?? 0);
      writeWide(starts, row, microsToMillis(from32, word + (CONVERTED.start_time >> 2)));
      writeWide(ends, row, microsToMillis(from32, word + (CONVERTED.end_time >> 2)));
      droppedPackets[row * 2] = from32[word + (CONVERTED.dropped_packets >> 2)] ?? 0;
      columns.reporter[row] = reporterOf(from8[at + CONVERTED.reporter] ?? 0);
    }
  }
  return {
    rows,
    columns: {
      ...columns,
      drop_reason: strings.drop_reason.build(),
      tls_server_name: strings.tls_server_name.build(),
      src_process: strings.src_process.build(),
      dst_process: strings.dst_process.build(),
    },
  };
}

/** The bytes themselves if they are aligned to 4 bytes, else a copy that is. */
function alignedToWords(bytes: Buffer): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
}

/** Pairs the columns of one width with their offsets in a record. */
function copies<Name extends string, Column>(
  offsets: Readonly<Record<Name, number>>,
  columnOf: (name: Name) => Column,
) {
  const names = Object.keys(offsets) as Name[];
  return names.map((name) => ({ column: columnOf(name), offset: offsets[name] }));
}

function checkRecord(records: Buffer, at: number, record: number): void {
  const state = records.readUInt8(at + BYTES.connection_state);
  if (state >= CONNECTION_STATES)
    throw new MalformedPayloadError(`flow record ${record} has connection state ${state}`);
  const tunnel = records.readUInt8(at + BYTES.tunnel);
  if (tunnel >= TUNNELS) throw new MalformedPayloadError(`flow record ${record} has tunnel ${tunnel}`);
  const orientation = records.readUInt8(at + BYTES.orientation);
  if (orientation >= ORIENTATIONS)
    throw new MalformedPayloadError(`flow record ${record} has orientation ${orientation}`);
  const start = highHalf(records, at + CONVERTED.start_time);
  const end = highHalf(records, at + CONVERTED.end_time);
  if (start > end || end > LATEST_HIGH_HALF)
    throw new MalformedPayloadError(`flow record ${record} has impossible times`);
}

function highHalf(records: Buffer, at: number): number {
  return records.readUInt32LE(at + 4);
}

/** Value of the enumeration `reporter` (src, dst, both); `both` if no side is behind a watched interface. */
function reporterOf(localSides: number): number {
  return localSides === 1 ? 0 : localSides === 2 ? 1 : 2;
}

function wordsOf(addresses: Uint8Array): Uint32Array {
  return new Uint32Array(addresses.buffer, addresses.byteOffset, addresses.length >> 2);
}

function microsToMillis(words: Uint32Array, at: number): number {
  return Math.floor(((words[at + 1] ?? 0) * 2 ** 32 + (words[at] ?? 0)) / 1000);
}
