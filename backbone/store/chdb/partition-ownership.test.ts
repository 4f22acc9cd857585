import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { describe, expect, it } from 'vitest';
import { useTemporaryStore } from '@sonde/test/fixtures/temporary-store';
import { IN_PROCESS_PARTITION } from '../../transport/in-process/in-process.js';

const temporary = useTemporaryStore();

/** One flow per offset, each in a message of the stream with the offset as position. */
function block(stream: string | undefined, ...offsets: readonly number[]) {
  const messages = offsets.map((position) => ({
    partition: 0,
    ...(stream !== undefined && { source: { stream, position } }),
  }));
  const rows = offsets.map((offset) => ({ start_time: offset, transport_offset: offset }));
  return { flows: enrichedFlows(rows), messages };
}

async function claimed() {
  const { storedTo = -1, streams = [] } = (await temporary.store.acquirePartitions([0])).get(0) ?? {};
  return { storedTo, streams: [...streams] };
}

describe('a partition that is acquired again', () => {
  it('resumes after the highest offset if its messages have no stream', async () => {
    await temporary.store.insert(block(undefined, 1, 2));
    await temporary.reopen();
    expect(await claimed()).toEqual({ storedTo: 2, streams: [] });
  });

  it('resumes with the stream positions of the stored offset, without duplicates', async () => {
    await temporary.store.acquirePartitions([0]);
    await temporary.store.insert(block('a', 0, 1));
    await temporary.store.insert(block('b', 2));
    await temporary.reopen();
    expect(await claimed()).toEqual({ storedTo: 1, streams: [['a', 2]] });
    await temporary.store.insert(block('b', 2, 3));
    await temporary.store.insert(block('b', 4));
    await temporary.reopen();
    expect(await claimed()).toEqual({
      storedTo: 3,
      streams: [
        ['a', 2],
        ['b', 4],
      ],
    });
    await temporary.store.insert(block('b', 4));
    const rows = await temporary.store.query(
      'SELECT toUInt32(transport_offset) AS offset FROM flows ORDER BY offset',
    );
    expect(rows).toEqual([0, 1, 2, 3, 4].map((offset) => ({ offset })));
  });

  it('of Kafka resumes where it was although in-process flows were stored in between, and they after their last', async () => {
    await temporary.store.acquirePartitions([0]);
    await temporary.store.insert(block('a', 0));
    await temporary.store.insert(block('a', 1));
    await temporary.reopen();
    await temporary.store.acquirePartitions([IN_PROCESS_PARTITION]);
    const directly = Array.from({ length: 9 }, (_, transport_offset) => {
      return { start_time: transport_offset, transport_partition: IN_PROCESS_PARTITION, transport_offset };
    });
    await temporary.store.insert({ flows: enrichedFlows(directly) });
    await temporary.reopen();
    expect((await claimed()).storedTo).toBe(0);
    expect((await temporary.store.highestOffsets()).get(IN_PROCESS_PARTITION)).toBe(8);
    await temporary.store.insert(block('a', 1, 2, 3));
    const stored =
      'SELECT arraySort(groupArray(toUInt32(transport_offset))) AS offsets FROM flows WHERE transport_partition = 0';
    expect(await temporary.store.query(stored)).toEqual([{ offsets: [0, 1, 2, 3] }]);
  });

  it('has no duplicates if messages with and without streams alternated', async () => {
    await temporary.store.acquirePartitions([0]);
    await temporary.store.insert(block('a', 0));
    await temporary.store.insert(block(undefined, 1, 2));
    await temporary.reopen();
    expect((await claimed()).storedTo).toBe(-1);
    await temporary.store.insert(block('a', 0));
    await temporary.store.insert(block(undefined, 1, 2, 3));
    expect(await temporary.store.query('SELECT count() AS rows FROM flows')).toEqual([{ rows: '4' }]);
  });
});
