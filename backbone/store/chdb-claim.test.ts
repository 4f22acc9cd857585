import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { enrichedFlows } from '@sonde/model/flow/build-enriched';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIRECT_PARTITION } from '../transport/direct.js';
import { openChdbStore } from './chdb-store.js';
import type { FlowStore } from './store.js';

const log = pino({ level: 'silent' });

let directory: string;
let store: FlowStore;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sonde-store-'));
  store = await openChdbStore({ directory, log });
  await store.migrate();
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

async function reopen(): Promise<void> {
  await store.close();
  store = await openChdbStore({ directory, log });
}

/** A flow of each of some offsets, in messages that are the stream's at these offsets. */
function block(stream: string | undefined, ...offsets: readonly number[]) {
  const messages = offsets.map((position) => ({
    partition: 0,
    ...(stream !== undefined && { source: { stream, position } }),
  }));
  const rows = offsets.map((offset) => ({ start_time: offset, transport_offset: offset }));
  return { flows: enrichedFlows(rows), messages };
}

async function claimed() {
  const { storedTo = -1, streams = [] } = (await store.claim([0])).get(0) ?? {};
  return { storedTo, streams: [...streams] };
}

describe('a partition that is claimed again', () => {
  it('goes on behind the highest offset, if its messages were of no stream', async () => {
    await store.insert(block(undefined, 1, 2));
    await reopen();
    expect(await claimed()).toEqual({ storedTo: 2, streams: [] });
  });

  it('goes on with the streams as they were behind what is known to be stored, and doubles nothing', async () => {
    await store.claim([0]);
    await store.insert(block('a', 0, 1));
    await store.insert(block('b', 2));
    await reopen();
    expect(await claimed()).toEqual({ storedTo: 1, streams: [['a', 2]] });
    await store.insert(block('b', 2, 3));
    await store.insert(block('b', 4));
    await reopen();
    expect(await claimed()).toEqual({
      storedTo: 3,
      streams: [
        ['a', 2],
        ['b', 4],
      ],
    });
    await store.insert(block('b', 4));
    const rows = await store.query('SELECT toUInt32(transport_offset) AS offset FROM flows ORDER BY offset');
    expect(rows).toEqual([0, 1, 2, 3, 4].map((offset) => ({ offset })));
  });

  it("of Kafka's goes on where it was, though flows came directly in between, and those after the last such", async () => {
    await store.claim([0]);
    await store.insert(block('a', 0));
    await store.insert(block('a', 1));
    await reopen();
    await store.claim([DIRECT_PARTITION]);
    const directly = Array.from({ length: 9 }, (_, transport_offset) => {
      return { start_time: transport_offset, transport_partition: DIRECT_PARTITION, transport_offset };
    });
    await store.insert({ flows: enrichedFlows(directly) });
    await reopen();
    expect((await claimed()).storedTo).toBe(0);
    expect((await store.highestOffsets()).get(DIRECT_PARTITION)).toBe(8);
    await store.insert(block('a', 1, 2, 3));
    const stored =
      'SELECT arraySort(groupArray(toUInt32(transport_offset))) AS offsets FROM flows WHERE transport_partition = 0';
    expect(await store.query(stored)).toEqual([{ offsets: [0, 1, 2, 3] }]);
  });

  it('doubles nothing where messages of streams and others came by turns', async () => {
    await store.claim([0]);
    await store.insert(block('a', 0));
    await store.insert(block(undefined, 1, 2));
    await reopen();
    expect((await claimed()).storedTo).toBe(-1);
    await store.insert(block('a', 0));
    await store.insert(block(undefined, 1, 2, 3));
    expect(await store.query('SELECT count() AS rows FROM flows')).toEqual([{ rows: '4' }]);
  });
});
