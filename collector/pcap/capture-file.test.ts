import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { beforeEach, describe, expect, it } from 'vitest';
import { pcapFile, pcapngFile } from '@sonde/test/builders/pcap';
import { type CapturedPacket, CaptureFileError, readCapture } from './capture-file.js';

let directory: string;
beforeEach(() => (directory = temporaryDirectory('capture')));

const TIME = 1_780_000_000_123_456;
const frames = [
  { timeMicros: TIME, frame: Buffer.from('first frame') },
  { timeMicros: TIME + 1_500_000, frame: Buffer.from('second') },
];

/** The packets before the file ends or stops making sense, and the error in that case. */
async function read(content: Buffer): Promise<{ packets: CapturedPacket[]; error?: unknown }> {
  const file = path.join(directory, 'capture');
  await writeFile(file, content);
  const packets: CapturedPacket[] = [];
  try {
    for await (const packet of readCapture(file)) packets.push(packet);
  } catch (error) {
    return { packets, error };
  }
  return { packets };
}

const timesAndBytes = (packets: readonly CapturedPacket[]) =>
  packets.map(({ timeMicros, bytes, wireBytes }) => [timeMicros, bytes.toString(), wireBytes]);

describe('a capture file', () => {
  it.each([
    ['pcap, little-endian', pcapFile(frames)],
    ['pcap, big-endian', pcapFile(frames, 1, false)],
    ['pcapng', pcapngFile(frames)],
  ])('is read: %s', async (_, content) => {
    const { packets, error } = await read(content);
    expect(error).toBeUndefined();
    expect(timesAndBytes(packets)).toEqual([
      [TIME, 'first frame', 11],
      [TIME + 1_500_000, 'second', 6],
    ]);
    expect(packets[0]?.linkType).toBe(1);
  });

  it('with times in nanoseconds is read in microseconds', async () => {
    const content = pcapFile([{ timeMicros: 5_000_000, frame: Buffer.from('x') }]);
    content.writeUInt32LE(0xa1b23c4d, 0);
    content.writeUInt32LE(123_456_789, 28);
    expect(timesAndBytes((await read(content)).packets)).toEqual([[5_123_456, 'x', 1]]);
  });

  it('that kept only the beginning of a packet tells its length on the wire', async () => {
    const content = pcapFile([{ timeMicros: TIME, frame: Buffer.from('long frame'), snapLength: 4 }]);
    expect(timesAndBytes((await read(content)).packets)).toEqual([[TIME, 'long', 10]]);
  });

  it('that is cut off gives the packets before, then says where it ends', async () => {
    const { packets, error } = await read(pcapFile(frames).subarray(0, -3));
    expect(packets).toHaveLength(1);
    expect(error).toBeInstanceOf(CaptureFileError);
    expect(String(error)).toMatch(/byte 67: the file ends inside a packet/);
  });

  it.each([
    ['empty', Buffer.alloc(0), /shorter/],
    ['of another kind', Buffer.from('PK\x03\x04 this is something else entirely'), /not a pcap/],
    ['with an impossible block', pcapngFile(frames).fill(0xff, 32, 36), /a block of \d+ bytes/],
  ])('%s is refused with the reason', async (_, content, reason) => {
    const { error } = await read(content);
    expect(error).toBeInstanceOf(CaptureFileError);
    expect(String(error)).toMatch(reason);
  });
});
