import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ethernetFrame, ipPacket, pcapFile } from '../../builders/pcap.js';

/** What is in a capture file. */
export interface CaptureTraffic {
  readonly packets: number;
  /** TCP connections, whose packets take turns. */
  readonly connections: number;
  readonly payloadBytes: number;
}

const START_MICROS = 1_780_000_000_000_000;

/** Half a million packets per second. */
const MICROS_BETWEEN = 2;

const RECORD_HEADER_BYTES = 16;
const PACKETS_A_CHUNK = 8192;

/** Writes a pcap file of TCP connections: handshakes, then segments of the client and of the server in turn. */
export async function writeCapture(file: string, traffic: CaptureTraffic): Promise<void> {
  await pipeline(Readable.from(chunks(traffic)), createWriteStream(file));
}

function* chunks({ packets, connections, payloadBytes }: CaptureTraffic): Generator<Buffer> {
  yield pcapFile([]);
  for (let first = 0; first < packets; first += PACKETS_A_CHUNK) {
    const records = [];
    for (let packet = first; packet < Math.min(packets, first + PACKETS_A_CHUNK); packet++)
      records.push(record(packet, packet % connections, Math.floor(packet / connections), payloadBytes));
    yield Buffer.concat(records);
  }
}

const TEMPLATE_ENDS = { from: '10.0.0.0', to: '10.128.0.0' };
const SEQUENCE_AT = RECORD_HEADER_BYTES + 14 + 20 + 4;

/** The record of a connection's packet number `step`; made from a template, because millions are needed. */
function record(packet: number, connection: number, step: number, payloadBytes: number): Buffer {
  const flags = step === 0 ? 'S' : step === 1 ? 'SA' : 'A';
  const copy = Buffer.from(template(flags, step < 2 ? 0 : payloadBytes));
  const micros = START_MICROS + packet * MICROS_BETWEEN;
  copy.writeUInt32LE(Math.floor(micros / 1e6), 0);
  copy.writeUInt32LE(micros % 1e6, 4);
  const isFromServer = step % 2 === 1;
  const addresses = RECORD_HEADER_BYTES + 14 + 12;
  const ports = addresses + 8;
  // A client has 4096 ports; there are 256 servers.
  copy.writeUInt32BE(0x0a000001 + (connection >> 12), addresses + (isFromServer ? 4 : 0));
  copy.writeUInt32BE(0x0a800001 + (connection & 255), addresses + (isFromServer ? 0 : 4));
  copy.writeUInt16BE(40_000 + (connection & 4095), ports + (isFromServer ? 2 : 0));
  copy.writeUInt16BE(8080, ports + (isFromServer ? 0 : 2));
  copy.writeUInt32BE(1000 + Math.max(0, step - 2) * payloadBytes, SEQUENCE_AT);
  return copy;
}

const templates = new Map<string, Buffer>();

function template(flags: string, payloadBytes: number): Buffer {
  const key = `${flags} ${payloadBytes}`;
  let made = templates.get(key);
  if (!made) {
    const frame = ethernetFrame(ipPacket({ ...TEMPLATE_ENDS, flags, payloadBytes }));
    made = pcapFile([{ timeMicros: 0, frame }]).subarray(24);
    templates.set(key, made);
  }
  return made;
}
