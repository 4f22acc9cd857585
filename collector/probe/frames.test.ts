import { describe, expect, it } from 'vitest';
import { frame } from '@sonde/test/builders/probe-frames';
import { FRAME_HEADER_BYTES, FrameReader, MAX_PAYLOAD_BYTES } from './frames.js';

const payload = (text: string) => Buffer.from(text);

/** The payloads read from a stream that arrives in chunks of the given size, and what was wrong with it. */
function read(stream: Buffer, chunkBytes = stream.length) {
  const reader = new FrameReader();
  const payloads: string[] = [];
  for (let at = 0; at < stream.length; at += chunkBytes) {
    for (const { payload } of reader.push(stream.subarray(at, at + chunkBytes)))
      payloads.push(payload.toString());
  }
  reader.end();
  return { payloads, faults: reader.faults };
}

const noFaults = { bytesSkipped: 0, oversized: 0, wrongVersion: 0, truncated: 0, missing: 0 };

describe('FrameReader', () => {
  const stream = Buffer.concat([
    frame(1, payload('one'), 0),
    frame(2, payload(''), 1),
    frame(2, payload('three'), 2),
  ]);

  it.each([1, 2, 7, 16, 1000])('reads the same frames from chunks of %i bytes', (chunkBytes) => {
    expect(read(stream, chunkBytes)).toEqual({ payloads: ['one', '', 'three'], faults: noFaults });
  });

  it('counts a frame cut off by the end of the stream as truncated', () => {
    expect(read(stream.subarray(0, stream.length - 1))).toEqual({
      payloads: ['one', ''],
      faults: { ...noFaults, truncated: 1 },
    });
  });

  it('skips foreign bytes between frames and reads every frame', () => {
    const foreign = Buffer.from('SONnoise SO');
    const mixed = Buffer.concat([foreign, frame(1, payload('one'), 0), foreign, frame(1, payload('two'), 1)]);
    expect(read(mixed, 3)).toEqual({
      payloads: ['one', 'two'],
      faults: { ...noFaults, bytesSkipped: foreign.length * 2 },
    });
  });

  it('continues with the next frame after an oversized one, without waiting for its payload', () => {
    const oversized = frame(1, payload(''), 0);
    oversized.writeUInt32LE(MAX_PAYLOAD_BYTES + 1, 8);
    expect(read(Buffer.concat([oversized, frame(1, payload('next'), 0)]))).toEqual({
      payloads: ['next'],
      faults: { ...noFaults, oversized: 1, bytesSkipped: FRAME_HEADER_BYTES },
    });
  });

  it('skips frames of another protocol version', () => {
    const other = Buffer.concat([frame(1, payload('SOND inside'), 0, 2), frame(1, payload('mine'), 1)]);
    expect(read(other)).toEqual({ payloads: ['mine'], faults: { ...noFaults, wrongVersion: 1 } });
  });

  it('counts missing frames by the gap in sequence numbers', () => {
    const gap = Buffer.concat([frame(1, payload('a'), 5), frame(1, payload('b'), 9)]);
    expect(read(gap).faults).toEqual({ ...noFaults, missing: 3 });
  });
});
