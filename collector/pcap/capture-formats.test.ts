import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { ethernetFrame, ipPacket, pcapFile, pcapngBlock, pcapngFile } from '@sonde/test/builders/pcap';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CaptureSummary } from './capture-counts.js';
import type { ReplayTables } from './replay-module.js';
import { captureSource } from './source.js';

let directory: string;
beforeEach(() => (directory = temporaryDirectory('capture')));

const TIME = 1_780_000_000_123_456;
const WINDOW_MS = 1000;

/** A frame of a connection of its own, at a time after {@link TIME}. */
function frame(afterMicros: number, fromPort = 40_000 + (afterMicros % 20_000)) {
  const packet = ipPacket({
    from: '10.0.0.1',
    to: '10.0.0.2',
    protocol: 'udp',
    fromPort,
    toPort: 9,
    payloadBytes: 20,
  });
  return { timeMicros: TIME + afterMicros, frame: ethernetFrame(packet) };
}
const frames = [frame(0), frame(1_500_000)];

/** What is read of a file: the start times of its flows in ms, its packets, and the summary. */
async function read(content: Buffer | string, tables?: ReplayTables) {
  let file = path.join(directory, 'capture');
  if (typeof content === 'string') file = content;
  else await writeFile(file, content);
  const starts: number[] = [];
  let packets = 0;
  let counters: ReadonlyMap<string, number> = new Map();
  let summary: CaptureSummary | undefined;
  const source = captureSource({
    file,
    windowMs: WINDOW_MS,
    ...(tables && { tables }),
    onEnd: (end) => (summary = end),
  });
  for await (const window of source.windows()) {
    for (let row = 0; row < window.rows; row++) {
      starts.push(readWide(halvesOf(window.columns.start_time), row));
      packets += readWide(halvesOf(window.columns.packets_out), row);
    }
    counters = window.counters;
  }
  if (!summary) throw new Error('the source ended without a summary');
  return { starts, packets, counters, summary };
}

const FIRST_MS = Math.floor(TIME / 1000);

describe('a capture file', () => {
  it.each([
    ['pcap, little-endian', pcapFile(frames)],
    ['pcap, big-endian', pcapFile(frames, 1, false)],
    ['pcapng', pcapngFile(frames)],
    ['gzip of pcap', gzipSync(pcapFile(frames))],
    [
      'two gzip members',
      Buffer.concat([gzipSync(pcapFile(frames).subarray(0, 50)), gzipSync(pcapFile(frames).subarray(50))]),
    ],
    ['pcapng with blocks of other kinds', withOtherBlocks(pcapngFile(frames))],
  ])('is read: %s', async (_, content) => {
    const { starts, summary } = await read(content);
    expect(starts).toEqual([FIRST_MS, FIRST_MS + 1500]);
    expect(summary).toMatchObject({
      packets: 2,
      firstMs: TIME / 1000,
      lastMs: TIME / 1000 + 1500,
      problem: undefined,
    });
    expect(summary.linkTypes).toEqual(['Ethernet']);
  });

  it('with times in nanoseconds is read', async () => {
    const content = pcapFile([{ ...frame(0), timeMicros: 5_000_000 }]);
    content.writeUInt32LE(0xa1b23c4d, 0);
    content.writeUInt32LE(123_456_789, 28);
    expect((await read(content)).starts).toEqual([5123]);
  });

  it('with packets after a silence has no windows in between', async () => {
    const { counters } = await read(pcapFile([frame(0), frame(86_400_000_000)]));
    expect(counters.get('windows')).toBe(2);
  });

  it('whose clock went back, as in joined files, keeps both times', async () => {
    const { starts } = await read(pcapFile([frame(60_000_000), frame(0), frame(300)]));
    expect(starts.sort()).toEqual([FIRST_MS, FIRST_MS, FIRST_MS + 60_000]);
  });

  it('with packets a little out of order has no flow that ends before it starts', async () => {
    const { packets, counters } = await read(
      pcapFile([frame(900, 7), frame(100, 7), frame(800, 8), frame(200, 7)]),
    );
    expect(packets).toBe(4);
    expect(counters.get('lost_frames_malformed')).toBe(0);
  });
});

describe('a damaged capture file', () => {
  it('that is cut off gives the packets before, and the place', async () => {
    const { starts, summary } = await read(pcapFile(frames).subarray(0, -3));
    expect(starts).toEqual([FIRST_MS]);
    expect(summary.problem).toMatch(/capture: byte 102: the file is cut off inside a packet/);
  });

  it('that is a cut off gzip gives the packets before', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => frame(index));
    const { packets, summary } = await read(gzipSync(pcapFile(many)).subarray(0, -2000));
    expect(packets).toBeGreaterThan(1000);
    expect(summary.problem).toMatch(/capture: the gzip data is cut off/);
  });

  it.each([
    ['empty', Buffer.alloc(0), /the file is empty/],
    ['of three bytes', Buffer.from('abc'), /not a pcap or pcapng file/],
    ['of another kind', Buffer.from('PK\x03\x04 this is something else entirely'), /byte 0: not a pcap/],
    ['of another compression', Buffer.from('28b52ffd0000', 'hex'), /compressed by zstd.*zstd -dc FILE/],
    ['with an impossible block', pcapngFile(frames).fill(0xff, 32, 36), /byte 28: a block of \d+ bytes/],
    ['with an impossible packet', pcapFile(frames).fill(0xff, 32, 36), /byte 24: a packet of \d+ bytes/],
    ['that does not exist', '/nowhere/a.pcap', /^\/nowhere\/a.pcap: no such file$/],
    ['that is a directory', '/proc', /^\/proc: it is a directory$/],
  ])('%s says the reason', async (_, content, reason) => {
    const { starts, summary } = await read(content);
    expect(starts).toEqual([]);
    expect(summary.problem).toMatch(reason);
  });

  it('leaves out packets with absurd times and lengths, and counts them', async () => {
    const content = pcapFile([frame(0), frame(1), frame(2)]);
    const record = 16 + frame(0).frame.length;
    content.writeUInt32LE(0xffffffff, 24 + 12 + record);
    content.writeUInt32LE(2_000_000_000, 24 + 4 + 2 * record);
    const { packets, summary } = await read(content);
    expect(packets).toBe(1);
    expect([...summary.leftOut]).toEqual([
      ['packets_absurd_time', 1],
      ['packets_absurd_length', 1],
    ]);
  });

  it('leaves out packets of link types that are not supported, and names them', async () => {
    const { packets, summary } = await read(pcapFile(frames, 147));
    expect(packets).toBe(0);
    expect([...summary.leftOut]).toEqual([['packets_link_type_not_supported', 2]]);
    expect(summary.linkTypes).toEqual(['link type 147']);
  });

  it('of any damage ends with a summary', async () => {
    for (const whole of [pcapFile(frames), pcapngFile(frames)]) {
      for (let at = 0; at < whole.length; at += 7) {
        const content = Buffer.from(whole);
        content[at] = (content[at] ?? 0) ^ 0xff;
        expect((await read(content)).summary.packets).toBeLessThanOrEqual(2);
      }
    }
  }, 60_000);
});

describe('the tables of a capture source', () => {
  it('are bounded: a full window ends early, and old connections are evicted', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => frame(index, 1000 + index));
    const { packets, counters } = await read(pcapFile(many), { maxFlows: 1000, maxConnections: 500 });
    expect(packets).toBe(3000);
    expect(counters.get('windows_ended_early')).toBeGreaterThanOrEqual(3);
    expect(counters.get('connections_tracked')).toBe(500);
    expect(counters.get('connections_evicted')).toBe(2500);
  });

  it('keep every connection of many windows apart', async () => {
    const many = Array.from({ length: 100_000 }, (_, index) => ({
      timeMicros: TIME + index,
      frame: connectionFrame(index),
    }));
    const { starts, packets, summary } = await read(pcapFile(many));
    expect(summary.problem).toBeUndefined();
    expect([packets, starts.length]).toEqual([100_000, 100_000]);
  });
});

/** A frame of a connection of its own, for up to 16 million. */
function connectionFrame(number: number): Buffer {
  const copy = Buffer.from(frame(0).frame);
  copy.writeUInt32BE(0x0b000000 + number, 14 + 12);
  return copy;
}

/** Puts a block of names, one of statistics, and a long custom one before the last packet. */
function withOtherBlocks(file: Buffer): Buffer {
  const last = file.readUInt32LE(file.length - 4);
  return Buffer.concat([
    file.subarray(0, -last),
    pcapngBlock(4, Buffer.alloc(16)),
    pcapngBlock(5, Buffer.alloc(12)),
    pcapngBlock(0xbad, Buffer.alloc(3_000_000)),
    file.subarray(-last),
  ]);
}
