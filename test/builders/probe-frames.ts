import { parseAddress } from '@sonde/model/net/address';
import { FLOW_RECORD_BYTES } from '@sonde/collector/probe/flow-records';
import { FRAME_HEADER_BYTES, PROTOCOL_VERSION } from '@sonde/collector/probe/frames';

/** A flow of a FLOWS frame (bpf-probe/PROTOCOL.md). Omitted fields are zero, or the documented default. */
export interface FlowSpec {
  readonly sourceAddress: string;
  readonly destinationAddress: string;
  readonly serviceAddress?: string;
  readonly startMicros?: number;
  readonly endMicros?: number;
  readonly bytesOut?: number;
  readonly bytesIn?: number;
  readonly packetsOut?: number;
  readonly packetsIn?: number;
  readonly connectionsStarted?: number;
  readonly connectionsCompleted?: number;
  readonly rttMicros?: number;
  readonly rttMinMicros?: number;
  readonly connectMicros?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly servicePort?: number;
  readonly tcpFlags?: number;
  /** Default: 6 (TCP). */
  readonly protocol?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly connectionState?: number;
  readonly retransmits?: number;
  readonly droppedPackets?: number;
  readonly droppedBytes?: number;
  /** Ids of NAMES tables. */
  readonly dropReason?: number;
  readonly tlsServer?: number;
  readonly sourceProcess?: number;
  readonly destinationProcess?: number;
  readonly sourceCgroup?: number;
  readonly vlan?: number;
  readonly tunnel?: number;
  readonly tunnelId?: number;
  readonly sourceTunnelAddress?: string;
  readonly ageMicros?: number;
  readonly durationMicros?: number;
  readonly sourceNatAddress?: string;
  readonly sourceNatPort?: number;
  /** Number of the value of the field `orientation`. */
  readonly orientation?: number;
  /** Bit 0: the client is behind a watched interface; bit 1: the server is. */
  readonly ends?: number;
}

/** A frame of any type; the header can be made invalid on purpose. */
export function frame(type: number, payload: Buffer, sequence: number, version = PROTOCOL_VERSION): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.write('SOND');
  header.writeUInt16LE(version, 4);
  header.writeUInt16LE(type, 6);
  header.writeUInt32LE(payload.length, 8);
  header.writeUInt32LE(sequence, 12);
  return Buffer.concat([header, payload]);
}

/** The payload of a FLOWS frame; `stride` can exceed the record size of this protocol version. */
export function flowsPayload(flows: readonly FlowSpec[], stride = FLOW_RECORD_BYTES): Buffer {
  const payload = Buffer.alloc(8 + flows.length * stride);
  payload.writeUInt32LE(flows.length, 0);
  payload.writeUInt32LE(stride, 4);
  for (const [index, flow] of flows.entries()) writeRecord(payload.subarray(8 + index * stride), flow);
  return payload;
}

/** The payload of a COUNTERS frame. */
export function countersPayload(
  windowEndMicros: number,
  counters: Readonly<Record<string, number>> = {},
): Buffer {
  const entries = Object.entries(counters);
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(windowEndMicros), 0);
  head.writeUInt32LE(entries.length, 8);
  return Buffer.concat([
    head,
    ...entries.map(([name, value]) => {
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE(BigInt(value));
      return Buffer.concat([text(name), number]);
    }),
  ]);
}

/** The payload of a NAMES frame. */
export function namesPayload(table: number, names: Readonly<Record<number, string>>): Buffer {
  const entries = Object.entries(names);
  const head = Buffer.from([table, 0, 0, 0, 0]);
  head.writeUInt32LE(entries.length, 1);
  return Buffer.concat([
    head,
    ...entries.map(([number, name]) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(Number(number));
      return Buffer.concat([bytes, text(name)]);
    }),
  ]);
}

/** A transaction of a DNS frame. Omitted fields are zero, or the documented default. */
export interface DnsSpec {
  readonly client: string;
  readonly server: string;
  readonly startMicros: number;
  readonly latencyMicros?: number;
  readonly clientPort?: number;
  /** Default: 1 (A). */
  readonly queryType?: number;
  readonly responseCode?: number;
  /** Default: true. */
  readonly answered?: boolean;
  readonly queryName: string;
  readonly addresses?: readonly { readonly address: string; readonly seconds: number }[];
}

/** The payload of a DNS frame with lookups over UDP. */
export function dnsPayload(transactions: readonly DnsSpec[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(transactions.length);
  return Buffer.concat([count, ...transactions.map(dnsTransaction)]);
}

function dnsTransaction(transaction: DnsSpec): Buffer {
  const { addresses = [], answered = true } = transaction;
  const head = Buffer.alloc(56);
  head.set(parseAddress(transaction.client), 0);
  head.set(parseAddress(transaction.server), 16);
  head.writeBigUInt64LE(BigInt(transaction.startMicros), 32);
  head.writeUInt32LE(transaction.latencyMicros ?? 0, 40);
  head.writeUInt16LE(transaction.clientPort ?? 0, 44);
  head.writeUInt16LE(transaction.queryType ?? 1, 48);
  head.writeUInt8(transaction.responseCode ?? 0, 50);
  head.writeUInt8(answered ? 3 : 2, 51);
  head.writeUInt8(17, 52);
  head.writeUInt16LE(addresses.length, 54);
  const answers = addresses.map(({ address, seconds }) => {
    const answer = Buffer.alloc(20);
    answer.set(parseAddress(address), 0);
    answer.writeUInt32LE(seconds, 16);
    return answer;
  });
  return Buffer.concat([head, text(transaction.queryName), ...answers]);
}

/** A u16 length followed by the string in UTF-8. */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function writeRecord(record: Buffer, flow: FlowSpec): void {
  record.set(parseAddress(flow.sourceAddress), 0);
  record.set(parseAddress(flow.destinationAddress), 16);
  if (flow.serviceAddress !== undefined) record.set(parseAddress(flow.serviceAddress), 32);
  const wide = [
    flow.startMicros,
    flow.endMicros ?? flow.startMicros,
    flow.bytesOut,
    flow.bytesIn,
    flow.packetsOut,
    flow.packetsIn,
  ];
  for (const [index, value] of wide.entries()) record.writeBigUInt64LE(BigInt(value ?? 0), 48 + index * 8);
  record.writeUInt32LE(flow.connectionsStarted ?? 0, 96);
  record.writeUInt32LE(flow.connectionsCompleted ?? 0, 100);
  record.writeUInt32LE(flow.rttMicros ?? 0, 104);
  record.writeUInt32LE(flow.rttMinMicros ?? 0, 108);
  record.writeUInt32LE(flow.connectMicros ?? 0, 112);
  record.writeUInt32LE(1, 120);
  record.writeUInt16LE(flow.sourcePort ?? 0, 124);
  record.writeUInt16LE(flow.destinationPort ?? 0, 126);
  record.writeUInt16LE(flow.servicePort ?? 0, 128);
  record.writeUInt16LE(flow.tcpFlags ?? 0, 130);
  record.writeUInt8(flow.protocol ?? 6, 132);
  record.writeUInt8(flow.icmpType ?? 0, 133);
  record.writeUInt8(flow.icmpCode ?? 0, 134);
  record.writeUInt8(flow.connectionState ?? 0, 135);
  record.writeUInt8(flow.ends ?? 1, 136);
  record.writeUInt8(flow.tunnel ?? 0, 137);
  record.writeUInt16LE(flow.vlan ?? 0, 138);
  record.writeUInt32LE(flow.tunnelId ?? 0, 140);
  record.writeUInt32LE(flow.retransmits ?? 0, 144);
  record.writeUInt32LE(flow.droppedPackets ?? 0, 148);
  record.writeBigUInt64LE(BigInt(flow.droppedBytes ?? 0), 152);
  const names = [flow.dropReason, flow.tlsServer, flow.sourceProcess, flow.destinationProcess];
  for (const [index, number] of names.entries()) record.writeUInt32LE(number ?? 0, 160 + index * 4);
  record.writeBigUInt64LE(BigInt(flow.sourceCgroup ?? 0), 176);
  if (flow.sourceTunnelAddress !== undefined) record.set(parseAddress(flow.sourceTunnelAddress), 192);
  record.writeBigUInt64LE(BigInt(flow.ageMicros ?? 0), 224);
  record.writeBigUInt64LE(BigInt(flow.durationMicros ?? 0), 232);
  if (flow.sourceNatAddress !== undefined) record.set(parseAddress(flow.sourceNatAddress), 240);
  record.writeUInt16LE(flow.sourceNatPort ?? 0, 256);
  record.writeUInt8(flow.orientation ?? 0, 258);
}
