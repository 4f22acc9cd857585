import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { smallDisk } from '@sonde/test/fixtures/small-disk';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../logging.js';
import { decodeRecord, encodeRecord } from './record.js';
import { SegmentWriter } from './segment.js';
import { Spool } from './spool.js';

let directory: string;
let open: Spool[];

beforeEach(() => {
  directory = temporaryDirectory('spool');
  open = [];
});

afterEach(async () => {
  for (const spool of open) await spool.close();
});

describe('a spool', () => {
  it('returns messages in the order in which they were appended, with their positions', async () => {
    const spool = await opened();
    await put(spool, 5);
    expect(positions(await spool.take(2 ** 20))).toEqual([0, 1, 2, 3, 4]);
    expect(await spool.take(2 ** 20)).toEqual([]);
    await put(spool, 2);
    const [next] = await spool.take(2 ** 20);
    expect(next).toMatchObject({
      position: 5,
      key: 'node-ä',
      messages: [{ topic: 'a.topic' }],
      contents: { flows: 10, lookups: 1 },
    });
    expect(Buffer.from(next?.messages[0]?.value ?? []).toString()).toBe('x'.repeat(1000));
  });

  it('returns as many messages as fit, and one that does not fit alone', async () => {
    const spool = await opened();
    await put(spool, 3);
    await put(spool, 1, 5_000);
    await put(spool, 1);
    const taken = [];
    for (let round = 0; round < 4; round++) taken.push(positions(await spool.take(2_500)));
    expect(taken).toEqual([[0, 1], [2], [3], [4]]);
  });

  it('has its messages after a crash, and continues their positions', async () => {
    const before = await opened();
    await put(before, 3);
    const after = await crashed(before);
    expect(after.stream).toBe(before.stream);
    await put(after, 1);
    await after.resume(0);
    expect(positions(await allOf(after))).toEqual([0, 1, 2, 3]);
  });

  it('has no message of a failed write, and reuses its position, also after a crash', async () => {
    const before = await opened();
    await put(before, 1);
    failNextAppend();
    await expect(before.append([{ ...message(10), key: 'rejected' }])).rejects.toThrow('no more');
    await before.append([{ ...message(10), key: 'accepted' }]);
    const after = await crashed(before);
    expect((await allOf(after)).map(({ position, key }) => [position, key])).toEqual([
      [0, 'node-ä'],
      [1, 'accepted'],
    ]);
  });

  it('has no message of a failed write if the process crashed before it was cut', async () => {
    const before = await opened();
    await put(before, 1);
    const rejected = encodeRecord({ ...message(10), key: 'rejected', position: 1 });
    appendFileSync(lastSegment(), rejected);
    const accepted = encodeRecord({ ...message(10), key: 'accepted', position: 1 });
    writeFileSync(path.join(directory, '0000000000000001.segment'), accepted);
    const after = await crashed(before);
    expect((await allOf(after)).map(({ key }) => key)).toEqual(['node-ä', 'accepted']);
  });

  it.each([1, 7, 8, 30, 500])(
    'cuts a write of which a crash left %i bytes, without counting a loss',
    async (bytes) => {
      const before = await opened();
      await put(before, 2);
      const torn = encodeRecord({ ...message(1000), position: 2 }).subarray(0, bytes);
      appendFileSync(lastSegment(), torn);
      const after = await crashed(before);
      await put(after, 1);
      expect(positions(await allOf(after))).toEqual([0, 1, 2]);
    },
  );

  it('keeps the next position when all is delivered and the sink is unavailable', async () => {
    const before = await opened(8_000);
    for (let round = 0; round < 30; round++) await put(before, 1);
    await before.confirmDelivered(positions(await allOf(before)).length);
    await before.finish();
    const after = await crashed(before);
    await put(after, 1);
    await after.resume(30);
    expect(positions(await allOf(after)).at(-1)).toBe(30);
  });

  it('deletes delivered messages', async () => {
    const spool = await opened(80_000);
    for (let round = 0; round < 40; round++) await put(spool, 1);
    const before = segments().length;
    await allOf(spool);
    await spool.confirmDelivered(40);
    await spool.finish();
    expect(before).toBeGreaterThan(3);
    expect(segments()).toHaveLength(1);
    expect(spool.waiting).toBe(0);
  });

  it('takes again what was taken but not delivered, and the delivery before that', async () => {
    const spool = await opened();
    for (let sent = 0; sent < 3; sent++) {
      await put(spool, 2);
      await allOf(spool);
      await spool.confirmDelivered(2 * sent + 2);
    }
    await put(spool, 1);
    await allOf(spool);
    for (let failure = 0; failure < 2; failure++) {
      await spool.resume(6);
      expect(positions(await allOf(spool))).toEqual([4, 5, 6]);
    }
    expect(spool.waiting).toBe(1);
    const after = await crashed(spool);
    await after.resume(6);
    expect(positions(await allOf(after))).toEqual([4, 5, 6]);
  });

  it('takes only the last delivery again if the sink lost the position', async () => {
    const spool = await opened();
    for (let sent = 1; sent <= 3; sent++) {
      await put(spool, 1);
      await allOf(spool);
      await spool.confirmDelivered(sent);
    }
    await spool.resume(0);
    expect(positions(await allOf(spool))).toEqual([2]);
    expect(spool.waiting).toBe(1);
  });

  it('assigns new positions to its messages if it is older than what was delivered from it', async () => {
    const before = await opened();
    await put(before, 3);
    const restored = await crashed(before);
    await put(restored, 2, 5000);
    await restored.resume(500);
    expect(
      (await allOf(restored)).map(({ position, messages }) => [position, messages[0]?.value.length]),
    ).toEqual([
      [500, 5000],
      [501, 5000],
    ]);
    expect(restored.waiting).toBe(2);
    await put(restored, 1);
    expect(positions(await allOf(restored))).toEqual([502]);
    expect(segments()).toHaveLength(1);
  });

  it('is used by one process at a time', async () => {
    await opened();
    await expect(Spool.open(optionsOf())).rejects.toThrow(/is in use|holds|used/);
  });
});

describe('a full spool', () => {
  it('drops the oldest messages, and counts exactly what is missing', async () => {
    const spool = await opened(20_000);
    await spool.resume(0);
    for (let round = 0; round < 50; round++) await put(spool, 1);
    expect(spool.bytes).toBeLessThanOrEqual(20_000);
    const left = await allOf(spool);
    const { lost } = spool;
    expect(lost.messages).toBeGreaterThan(20);
    expect(lost).toEqual({
      messages: 50 - left.length,
      flows: (50 - left.length) * 10,
      lookups: 50 - left.length,
    });
    expect(positions(left)).toEqual(Array.from({ length: left.length }, (_, k) => k + lost.messages));
  });

  it('keeps messages that are being delivered, because they may have arrived', async () => {
    const spool = await opened(20_000);
    for (let round = 0; round < 10; round++) await put(spool, 1);
    const taken = positions(await spool.take(1_500));
    for (let round = 0; round < 40; round++) await put(spool, 1);
    await spool.resume(0);
    expect(positions(await spool.take(1_500))).toEqual(taken);
  });

  it('counts nothing as lost that was delivered, though the sink was not reached since a crash', async () => {
    const before = await opened(20_000);
    for (let round = 0; round < 10; round++) await put(before, 1);
    const [first, second] = positions(await allOf(before));
    await before.confirmDelivered((second ?? 0) + 1);
    expect(first).toBe(0);
    const after = await crashed(before, 20_000);
    for (let round = 0; round < 40; round++) await put(after, 1);
    await after.resume(2);
    const left = await allOf(after);
    // Everything that was sent may have arrived.
    expect(positions(left).slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(after.lost.messages).toBeGreaterThan(20);
    expect(left.length + after.lost.messages).toBe(50);
  });

  it('keeps its losses, and finishes dropping after a crash', async () => {
    const before = await opened(20_000);
    await before.resume(0);
    for (let round = 0; round < 50; round++) await put(before, 1);
    const { lost } = before;
    // As if the process crashed between counting a segment and deleting it.
    const name = '0000000000000000.segment';
    writeFileSync(path.join(directory, name), encodeRecord({ ...message(10), position: 0 }));
    const state = JSON.parse(readState()) as object;
    writeFileSync(path.join(directory, 'spool.json'), JSON.stringify({ ...state, dropping: name }));
    const after = await crashed(before, 20_000);
    expect(after.lost).toEqual(lost);
    expect(positions(await allOf(after))[0]).toBe(lost.messages);
  });
});

describe('a damaged spool', () => {
  /** Changes a byte of the value of the message at an index, and what comes after it stays. */
  function damage(file: string, index: number, at = 500): void {
    const content = readFileSync(file);
    const place = index * encodeRecord({ ...message(1000), position: 0 }).length + at;
    content[place] = (content[place] ?? 0) ^ 1;
    writeFileSync(file, content);
  }

  it.each([
    ['value', 500, { flows: 10, lookups: 1 }],
    ['length', 0, { flows: 10, lookups: 1 }],
    ['position', 8, { flows: 0, lookups: 0 }],
  ])('loses only the message whose %s is damaged, and counts it once', async (_, at, contents) => {
    const before = await opened();
    await put(before, 4);
    damage(lastSegment(), 1, at);
    const after = await crashed(before);
    await put(after, 1);
    expect(positions(await allOf(after))).toEqual([0, 2, 3, 4]);
    await after.resume(0);
    expect(positions(await allOf(after))).toEqual([0, 2, 3, 4]);
    expect(after.lost).toEqual({ messages: 1, ...contents });
    const later = await crashed(after);
    expect(positions(await allOf(later))).toEqual([0, 2, 3, 4]);
    expect(later.lost).toEqual({ messages: 1, ...contents });
  });

  it('counts a damaged last message as lost', async () => {
    const before = await opened();
    await put(before, 3);
    damage(lastSegment(), 2);
    const after = await crashed(before);
    await put(after, 1);
    expect(positions(await allOf(after))).toEqual([0, 1, 2]);
    expect(after.lost).toEqual({ messages: 1, flows: 10, lookups: 1 });
  });

  it('counts all messages at the damaged end of an earlier segment as lost', async () => {
    const before = await opened(20_000);
    for (let round = 0; round < 6; round++) await put(before, 1);
    const [first = ''] = segments().sort();
    const file = path.join(directory, first);
    const { size } = statSync(file);
    truncateSync(file, 100);
    const after = await crashed(before, 20_000);
    const missing = Math.floor(size / 1000);
    expect(positions(await allOf(after))).toEqual([0, 1, 2, 3, 4, 5].slice(missing));
    expect(after.lost.messages).toBe(missing);
  });

  it('loses only the damaged message of a segment that is written at the time', async () => {
    const spool = await opened();
    await put(spool, 3);
    damage(lastSegment(), 0);
    expect(positions(await allOf(spool))).toEqual([1, 2]);
    expect(spool.lost).toEqual({ messages: 1, flows: 10, lookups: 1 });
  });

  it('counts damaged messages among those that it drops when it is full', async () => {
    const spool = await opened(20_000);
    await spool.resume(0);
    for (let round = 0; round < 6; round++) await put(spool, 1);
    damage(path.join(directory, segments().sort()[0] ?? ''), 0);
    for (let round = 0; round < 44; round++) await put(spool, 1);
    const left = await allOf(spool);
    expect(spool.lost.messages).toBe(50 - left.length);
    expect(spool.lost.flows).toBe((50 - left.length) * 10);
  });
});

describe('a spool on a full disk', () => {
  it('fails an append, can be opened and delivered, and accepts messages once there is room', async ({
    skip,
  }) => {
    const disk = smallDisk(2 ** 20);
    if (typeof disk === 'string') return skip(`cannot mount a file system here (${disk})`);
    ({ directory } = disk);
    const before = await opened();
    await put(before, 3, 10_000);
    disk.fill();
    await expect(put(before, 1, 10_000)).rejects.toThrow(/ENOSPC|full/);
    const after = await crashed(before);
    await expect(put(after, 1, 10_000)).rejects.toThrow(/ENOSPC|full/);
    await after.resume(0);
    expect(positions(await allOf(after))).toEqual([0, 1, 2]);
    await after.confirmDelivered(3);
    disk.free();
    await put(after, 1);
    expect(positions(await allOf(after))).toEqual([3]);
  });

  it('drops the oldest messages although its state cannot be written at first', async ({ skip }) => {
    const disk = smallDisk(2 ** 18);
    if (typeof disk === 'string') return skip(`cannot mount a file system here (${disk})`);
    ({ directory } = disk);
    const spool = await opened(100_000);
    await spool.resume(0);
    for (let round = 0; round < 9; round++) await put(spool, 1, 10_000);
    disk.fill();
    await put(spool, 1, 10_000);
    const left = await allOf(spool);
    expect(left.length + spool.lost.messages).toBe(10);
    expect((await crashed(spool, 100_000)).lost).toEqual(spool.lost);
  });
});

describe('a record', () => {
  it('is rejected wherever a bit of it is changed', () => {
    const record = encodeRecord({ ...message(50), position: 3 });
    for (let bit = 0; bit < record.length * 8; bit++) {
      const damaged = Buffer.from(record);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeRecord(damaged, 0)).toBeTypeOf('string');
    }
  });
});

function optionsOf(maxBytes = 2 ** 20) {
  return { directory, maxBytes, log: createLogger('test', 'silent') };
}

async function opened(maxBytes?: number): Promise<Spool> {
  const spool = await Spool.open(optionsOf(maxBytes));
  open.push(spool);
  return spool;
}

/** Opens the spool like the next process. Everything is on disk already, so closing changes nothing. */
async function crashed(spool: Spool, maxBytes?: number): Promise<Spool> {
  open.splice(open.indexOf(spool), 1);
  await spool.close();
  return opened(maxBytes);
}

function message(bytes: number) {
  const value = Buffer.alloc(bytes, 'x');
  return { key: 'node-ä', messages: [{ topic: 'a.topic', value }], contents: { flows: 10, lookups: 1 } };
}

async function put(spool: Spool, count: number, bytes = 1000): Promise<void> {
  await spool.append(Array.from({ length: count }, () => message(bytes)));
}

async function allOf(spool: Spool) {
  const all = [];
  for (;;) {
    const taken = await spool.take(2 ** 20);
    if (taken.length === 0) return all;
    all.push(...taken);
  }
}

function positions(records: readonly { readonly position: number }[]): number[] {
  return records.map(({ position }) => position);
}

function segments(): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.segment'));
}

function lastSegment(): string {
  return path.join(directory, segments().sort().at(-1) ?? '');
}

/** Makes the next append fail after its bytes are written, like a broken or full disk. */
function failNextAppend(): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the writer
  const append = SegmentWriter.prototype.append;
  vi.spyOn(SegmentWriter.prototype, 'append').mockImplementationOnce(async function (
    this: SegmentWriter,
    records,
  ) {
    const { bytes, end } = this.segment;
    await append.call(this, records);
    Object.assign(this.segment, { bytes, end });
    throw new Error('no more');
  });
}

function readState(): string {
  return readFileSync(path.join(directory, 'spool.json'), 'utf8');
}
