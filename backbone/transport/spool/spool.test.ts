import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
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
  it('gives messages in the order in which they were put, with their positions', async () => {
    const spool = await opened();
    await put(spool, 5);
    expect(positions(await spool.take(2 ** 20))).toEqual([0, 1, 2, 3, 4]);
    expect(await spool.take(2 ** 20)).toEqual([]);
    await put(spool, 2);
    const [next] = await spool.take(2 ** 20);
    expect(next).toMatchObject({
      position: 5,
      topic: 'a.topic',
      key: 'node-ä',
      contents: { flows: 10, lookups: 1 },
    });
    expect(Buffer.from(next?.value ?? []).toString()).toBe('x'.repeat(1000));
  });

  it('gives as many messages as fit, and one that does not fit by itself', async () => {
    const spool = await opened();
    await put(spool, 3);
    await put(spool, 1, 5_000);
    await put(spool, 1);
    const taken = [];
    for (let round = 0; round < 4; round++) taken.push(positions(await spool.take(2_500)));
    expect(taken).toEqual([[0, 1], [2], [3], [4]]);
  });

  it('has what was put into it after a crash, and goes on counting', async () => {
    const before = await opened();
    await put(before, 3);
    const after = await crashed(before);
    expect(after.stream).toBe(before.stream);
    await put(after, 1);
    await after.resume(0);
    expect(positions(await allOf(after))).toEqual([0, 1, 2, 3]);
  });

  it('has none of a write that was refused, and gives its position to the next, also after a crash', async () => {
    const before = await opened();
    await put(before, 1);
    refuseNextSync();
    await expect(before.append([{ ...message(10), key: 'refused' }])).rejects.toThrow('no more');
    await before.append([{ ...message(10), key: 'accepted' }]);
    const after = await crashed(before);
    expect((await allOf(after)).map(({ position, key }) => [position, key])).toEqual([
      [0, 'node-ä'],
      [1, 'accepted'],
    ]);
  });

  it('has none of a write that was refused if the process crashed before it could cut it', async () => {
    const before = await opened();
    await put(before, 1);
    const refused = encodeRecord({ ...message(10), key: 'refused', position: 1 });
    appendFileSync(lastSegment(), refused);
    const accepted = encodeRecord({ ...message(10), key: 'accepted', position: 1 });
    writeFileSync(path.join(directory, '0000000000000001.segment'), accepted);
    const after = await crashed(before);
    expect((await allOf(after)).map(({ key }) => key)).toEqual(['node-ä', 'accepted']);
  });

  it.each([1, 7, 8, 30, 500])('cuts a write of which a crash left %i bytes', async (bytes) => {
    const before = await opened();
    await put(before, 2);
    const torn = encodeRecord({ ...message(1000), position: 2 }).subarray(0, bytes);
    appendFileSync(lastSegment(), torn);
    const after = await crashed(before);
    await put(after, 1);
    expect(positions(await allOf(after))).toEqual([0, 1, 2]);
  });

  it('cuts a segment at the first byte that is not what was written', async () => {
    const before = await opened();
    await put(before, 3);
    const file = lastSegment();
    truncateSync(file, statSync(file).size - 10);
    appendFileSync(file, Buffer.alloc(10, 7));
    const after = await crashed(before);
    await put(after, 1);
    expect(positions(await allOf(after))).toEqual([0, 1, 2]);
  });

  it('remembers which position comes next when all was delivered and its sink is away', async () => {
    const before = await opened(8_000);
    for (let round = 0; round < 30; round++) await put(before, 1);
    await before.confirmDelivered(positions(await allOf(before)).length);
    await before.finish();
    const after = await crashed(before);
    await put(after, 1);
    await after.resume(30);
    expect(positions(await allOf(after)).at(-1)).toBe(30);
  });

  it('deletes what is delivered', async () => {
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

  it('takes again what was taken but not delivered, and what was delivered last before', async () => {
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

  it('takes nothing again of which its sink forgot that it has it, but what was delivered last', async () => {
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

  it('gives what it accepts new positions if it is older than what was delivered of it', async () => {
    const before = await opened();
    await put(before, 3);
    const restored = await crashed(before);
    await put(restored, 2, 5000);
    await restored.resume(500);
    expect((await allOf(restored)).map(({ position, value }) => [position, value.length])).toEqual([
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
  it('drops the oldest, and counts exactly what is missing', async () => {
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

  it('keeps what is on its way to the sink, since it may have arrived', async () => {
    const spool = await opened(20_000);
    for (let round = 0; round < 10; round++) await put(spool, 1);
    const taken = positions(await spool.take(1_500));
    for (let round = 0; round < 40; round++) await put(spool, 1);
    await spool.resume(0);
    expect(positions(await spool.take(1_500))).toEqual(taken);
  });

  it('counts nothing as lost that was delivered, though nobody could be asked since a crash', async () => {
    const before = await opened(20_000);
    for (let round = 0; round < 10; round++) await put(before, 1);
    const [first, second] = positions(await allOf(before));
    await before.confirmDelivered((second ?? 0) + 1);
    expect(first).toBe(0);
    const after = await crashed(before, 20_000);
    for (let round = 0; round < 40; round++) await put(after, 1);
    await after.resume(2);
    const left = await allOf(after);
    // All that was sent before may have arrived.
    expect(positions(left).slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(after.lost.messages).toBeGreaterThan(20);
    expect(left.length + after.lost.messages).toBe(50);
  });

  it('remembers what it has lost, and finishes dropping after a crash', async () => {
    const before = await opened(20_000);
    await before.resume(0);
    for (let round = 0; round < 50; round++) await put(before, 1);
    const { lost } = before;
    // As if the crash came between counting a segment and deleting it.
    const name = '0000000000000000.segment';
    writeFileSync(path.join(directory, name), encodeRecord({ ...message(10), position: 0 }));
    const state = JSON.parse(readState()) as object;
    writeFileSync(path.join(directory, 'spool.json'), JSON.stringify({ ...state, dropping: name }));
    const after = await crashed(before, 20_000);
    expect(after.lost).toEqual(lost);
    expect(positions(await allOf(after))[0]).toBe(lost.messages);
  });
});

describe('a record', () => {
  it('is refused wherever a bit of it is changed', () => {
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

/** The spool as the next process finds it. All that was asked of it is on the disk, so closing changes nothing. */
async function crashed(spool: Spool, maxBytes?: number): Promise<Spool> {
  open.splice(open.indexOf(spool), 1);
  await spool.close();
  return opened(maxBytes);
}

function message(bytes: number) {
  const value = Buffer.alloc(bytes, 'x');
  return { topic: 'a.topic', key: 'node-ä', value, contents: { flows: 10, lookups: 1 } };
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

/** Has the next append fail when its bytes are written, as a disk does that breaks or is full. */
function refuseNextSync(): void {
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
