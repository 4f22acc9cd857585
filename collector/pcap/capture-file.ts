import { createReadStream } from 'node:fs';

/** A packet as a capture file holds it. */
export interface CapturedPacket {
  /** Microseconds since 1970; whole, whatever the file's resolution. */
  readonly timeMicros: number;
  /** LINKTYPE of the interface (tcpdump.org/linktypes). */
  readonly linkType: number;
  /** Number of the interface within the file. */
  readonly interfaceNumber: number;
  /** The bytes that were kept. */
  readonly bytes: Buffer;
  /** How many there were on the wire. */
  readonly wireBytes: number;
}

/** The file is no capture, or is damaged; says where. */
export class CaptureFileError extends Error {
  override readonly name = 'CaptureFileError';
}

/** Blocks longer than this are damage, not packets: no snap length reaches it. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;

/**
 * Reads a pcap (draft-ietf-opsawg-pcap) or pcapng (draft-ietf-opsawg-pcapng) file, packet by packet.
 * @throws CaptureFileError where the file stops making sense; the packets before were good.
 */
export async function* readCapture(file: string): AsyncGenerator<CapturedPacket> {
  const input = new CaptureInput(createReadStream(file, { highWaterMark: 1 << 18 }), file);
  const magic = await input.peek(4);
  if (!magic) throw new CaptureFileError(`${file}: shorter than a capture's header`);
  if (magic.readUInt32BE() === PCAPNG_SECTION) yield* readPcapng(input);
  else yield* readPcap(input);
}

const PCAP_MICROS = 0xa1b2c3d4;
const PCAP_NANOS = 0xa1b23c4d;

async function* readPcap(input: CaptureInput): AsyncGenerator<CapturedPacket> {
  const header = await input.take(24, 'file header');
  const isLittle = [PCAP_MICROS, PCAP_NANOS].includes(header.readUInt32LE());
  const read32 = integerReader(isLittle);
  const magic = read32(header, 0);
  if (magic !== PCAP_MICROS && magic !== PCAP_NANOS) throw input.error('not a pcap or pcapng file');
  const fractionsPerMicro = magic === PCAP_NANOS ? 1000 : 1;
  const linkType = read32(header, 20) & 0xffff;
  while (await input.peek(1)) {
    const record = await input.take(16, 'packet header');
    const kept = read32(record, 8);
    if (kept > MAX_BLOCK_BYTES) throw input.error(`a packet of ${kept} bytes`);
    yield {
      timeMicros: read32(record, 0) * 1e6 + Math.floor(read32(record, 4) / fractionsPerMicro),
      linkType,
      interfaceNumber: 0,
      wireBytes: read32(record, 12),
      bytes: await input.take(kept, 'packet'),
    };
  }
}

const PCAPNG_SECTION = 0x0a0d0d0a;
const PCAPNG_INTERFACE = 1;
const PCAPNG_SIMPLE_PACKET = 3;
const PCAPNG_ENHANCED_PACKET = 6;
const OPTION_TIME_RESOLUTION = 9;

interface PcapngInterface {
  readonly linkType: number;
  readonly ticksPerSecond: number;
}

async function* readPcapng(input: CaptureInput): AsyncGenerator<CapturedPacket> {
  let read32 = integerReader(true);
  let isLittle = true;
  let interfaces: PcapngInterface[] = [];
  for (let head = await input.peek(12); head; head = await input.peek(12)) {
    if (head.readUInt32BE() === PCAPNG_SECTION) {
      // The byte order of a section is known only from its own magic.
      isLittle = head.readUInt32LE(8) === 0x1a2b3c4d;
      read32 = integerReader(isLittle);
      interfaces = [];
    }
    const length = read32(head, 4);
    if (length < 12 || length % 4 !== 0 || length > MAX_BLOCK_BYTES)
      throw input.error(`a block of ${length} bytes`);
    const block = await input.take(length, 'block');
    const body = block.subarray(8, length - 4);
    switch (read32(block, 0)) {
      case PCAPNG_INTERFACE:
        if (body.length < 8) throw input.error('an interface block that is too short');
        interfaces.push(readInterface(body, isLittle));
        break;
      case PCAPNG_ENHANCED_PACKET: {
        if (body.length < 20) throw input.error('a packet block that is too short');
        const interfaceNumber = read32(body, 0);
        const seen = interfaces[interfaceNumber];
        if (!seen) throw input.error(`a packet of interface ${interfaceNumber}, which no block describes`);
        const ticks = read32(body, 4) * 2 ** 32 + read32(body, 8);
        const kept = read32(body, 12);
        if (20 + kept > body.length) throw input.error('a packet that is longer than its block');
        yield {
          timeMicros: Math.floor((ticks / seen.ticksPerSecond) * 1e6),
          linkType: seen.linkType,
          interfaceNumber,
          wireBytes: read32(body, 16),
          bytes: body.subarray(20, 20 + kept),
        };
        break;
      }
      case PCAPNG_SIMPLE_PACKET:
        throw input.error('a simple packet block, which has no time');
    }
  }
}

function readInterface(body: Buffer, isLittle: boolean): PcapngInterface {
  const read16 = (at: number) => (isLittle ? body.readUInt16LE(at) : body.readUInt16BE(at));
  let ticksPerSecond = 1e6;
  for (let at = 8; at + 4 <= body.length;) {
    const [code, length] = [read16(at), read16(at + 2)];
    if (code === OPTION_TIME_RESOLUTION && at + 4 < body.length) {
      const resolution = body.readUInt8(at + 4);
      ticksPerSecond = resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution;
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return { linkType: read16(0), ticksPerSecond };
}

function integerReader(isLittle: boolean): (bytes: Buffer, at: number) => number {
  return isLittle ? (bytes, at) => bytes.readUInt32LE(at) : (bytes, at) => bytes.readUInt32BE(at);
}

/** Takes pieces of any length from a stream of chunks. */
class CaptureInput {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffered: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(
    chunks: AsyncIterable<Buffer>,
    private readonly file: string,
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes without taking them, or undefined if the file ends before. */
  async peek(bytes: number): Promise<Buffer | undefined> {
    while (this.#buffered.length < bytes) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#buffered = this.#buffered.length === 0 ? next.value : Buffer.concat([this.#buffered, next.value]);
    }
    return this.#buffered.subarray(0, bytes);
  }

  async take(bytes: number, what: string): Promise<Buffer> {
    const taken = await this.peek(bytes);
    if (!taken) throw this.error(`the file ends inside a ${what}`);
    this.#buffered = this.#buffered.subarray(bytes);
    this.#position += bytes;
    return taken;
  }

  error(reason: string): CaptureFileError {
    return new CaptureFileError(`${this.file}, byte ${this.#position}: ${reason}`);
  }
}
