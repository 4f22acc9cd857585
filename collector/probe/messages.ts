import { formatAddress } from '@sonde/model/net/address';
import { type FlowRecords, flowRecords, LATEST_MS } from './flow-records.js';
import type { Frame } from './frames.js';
import { MalformedPayloadError } from './malformed-payload.js';

/** Content of a frame (bpf-probe/PROTOCOL.md). */
export type ProbeMessage =
  | { readonly type: 'hello'; readonly hello: ProbeHello }
  | { readonly type: 'flows'; readonly records: FlowRecords }
  | {
      readonly type: 'counters';
      readonly windowEndMs: number;
      readonly counters: ReadonlyMap<string, number>;
    }
  | { readonly type: 'interfaces'; readonly interfaces: readonly WatchedInterface[] }
  | { readonly type: 'names'; readonly table: number; readonly names: ReadonlyMap<number, string> }
  | { readonly type: 'dns'; readonly transactions: readonly DnsTransaction[] }
  | { readonly type: 'unknown' };

/** Kernel features that the probe uses, in the order of the feature bits. */
const PROBE_FEATURES = ['tcx', 'conntrack', 'drops', 'retransmits', 'processes'] as const;
export type ProbeFeature = (typeof PROBE_FEATURES)[number];

export interface ProbeHello {
  readonly pid: number;
  readonly windowMs: number;
  readonly features: readonly ProbeFeature[];
  /** Connections that the flow map of a window holds. */
  readonly capacity: number;
  readonly kernelRelease: string;
}

/** A DNS query and its response. */
export interface DnsTransaction {
  readonly client: string;
  readonly clientPort: number;
  /** Destination of the query; if the query was not seen, source of the response. */
  readonly server: string;
  readonly protocol: number;
  readonly startMs: number;
  /** 0 unless both query and response were seen. */
  readonly latencyMicros: number;
  /** RFC 1035 and successors: 1 A, 28 AAAA, … */
  readonly queryType: number;
  /** Lower case, without the final dot. */
  readonly queryName: string;
  readonly answered: boolean;
  /** Of the response's header: 0 no error, 3 no such name, … */
  readonly responseCode: number;
  readonly addresses: readonly { readonly address: string; readonly seconds: number }[];
}

export interface WatchedInterface {
  readonly index: number;
  readonly kind: 'pod' | 'uplink';
  readonly name: string;
}

/**
 * Parses a frame.
 * @throws MalformedPayloadError if the payload does not match the type.
 */
export function readMessage({ type, payload }: Frame): ProbeMessage {
  const reader = new PayloadReader(payload);
  switch (type) {
    case 1:
      return { type: 'hello', hello: readHello(reader) };
    case 2:
      return { type: 'flows', records: flowRecords(payload) };
    case 3:
      return { type: 'counters', windowEndMs: reader.u64() / 1000, counters: readCounters(reader) };
    case 4:
      return { type: 'interfaces', interfaces: reader.list(() => readInterface(reader)) };
    case 5:
      return { type: 'names', table: reader.u8(), names: readNames(reader) };
    case 6:
      return { type: 'dns', transactions: reader.list(() => readTransaction(reader)) };
    default:
      return { type: 'unknown' };
  }
}

function readHello(reader: PayloadReader): ProbeHello {
  const pid = reader.u32();
  const windowMs = reader.u32();
  const bits = reader.u32();
  const features = PROBE_FEATURES.filter((_, bit) => (bits >> bit) & 1);
  return { pid, windowMs, features, capacity: reader.u32(), kernelRelease: reader.string() };
}

function readCounters(reader: PayloadReader): Map<string, number> {
  return new Map(reader.list(() => [reader.string(), reader.u64()] as const));
}

function readInterface(reader: PayloadReader): WatchedInterface {
  return { index: reader.u32(), kind: reader.u8() === 0 ? 'pod' : 'uplink', name: reader.string() };
}

function readNames(reader: PayloadReader): Map<number, string> {
  return new Map(reader.list(() => [reader.u32(), reader.string()] as const));
}

/** The header's response code has four bits (RFC 1035 §4.1.1). */
const RESPONSE_CODES = 16;

function readTransaction(reader: PayloadReader): DnsTransaction {
  const client = reader.address();
  const server = reader.address();
  const startMs = reader.u64() / 1000;
  const latencyMicros = reader.u32();
  const clientPort = reader.u16();
  reader.u16(); // the message's id
  const queryType = reader.u16();
  const responseCode = reader.u8();
  const answered = (reader.u8() & 1) !== 0;
  const protocol = reader.u8();
  reader.u8();
  const addressCount = reader.u16();
  const queryName = reader.string();
  const addresses = Array.from({ length: addressCount }, () => ({
    address: reader.address(),
    seconds: reader.u32(),
  }));
  if (responseCode >= RESPONSE_CODES || startMs > LATEST_MS)
    throw new MalformedPayloadError('a DNS transaction has an impossible response code or time');
  return {
    ...{ client, clientPort, server, protocol, startMs, latencyMicros },
    ...{ queryType, queryName, answered, responseCode, addresses },
  };
}

/** Reads little-endian values in sequence. */
class PayloadReader {
  #at = 0;
  constructor(private readonly payload: Buffer) {}

  u8(): number {
    return this.payload.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.payload.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.payload.readUInt32LE(this.#take(4));
  }

  /** Exact up to 2^53 - 1. */
  u64(): number {
    const at = this.#take(8);
    return this.payload.readUInt32LE(at) + this.payload.readUInt32LE(at + 4) * 2 ** 32;
  }

  string(): string {
    const length = this.u16();
    const at = this.#take(length);
    return this.payload.toString('utf8', at, at + length);
  }

  address(): string {
    return formatAddress(this.payload, this.#take(16));
  }

  /** Reads a u32 count, then that many items. A count that is too high fails at the end of the payload. */
  list<Item>(item: () => Item): Item[] {
    const count = this.u32();
    const items: Item[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.payload.length) {
      throw new MalformedPayloadError(
        `payload of ${this.payload.length} bytes is too short: expected ${bytes} bytes at offset ${at}`,
      );
    }
    this.#at += bytes;
    return at;
  }
}
