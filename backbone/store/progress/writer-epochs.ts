import type { StoredOffset } from '../../transport/interface/transport.js';
import type { OffsetRange } from './offset-ranges.js';
import { quoted, type SqlEngine } from '../sql/sql-engine.js';

/** The state of a partition that a writer has acquired. */
export interface PartitionEpoch extends StoredOffset {
  readonly partition: number;
  /** The last epoch of the reading writer, and whether that writer owns the partition. */
  readonly epoch: number;
  readonly isOwn: boolean;
  /** Records up to this offset may be stored. */
  readonly writingTo: number;
}

/** Makes a writer the owner of partitions. Once every server knows this, earlier writers cannot start an insert there. */
export async function acquirePartitions(
  engine: SqlEngine,
  writer: string,
  partitions: readonly number[],
): Promise<void> {
  await insertEpochs(engine, writer, partitions, '');
}

/** Starts a new epoch of the partitions that a writer still owns, so that its own delayed requests are rejected. */
export async function renewEpochs(
  engine: SqlEngine,
  writer: string,
  partitions: readonly number[],
): Promise<void> {
  await insertEpochs(engine, writer, partitions, `HAVING max((epoch, writer)).2 = '${writer}'`);
}

async function insertEpochs(
  engine: SqlEngine,
  writer: string,
  partitions: readonly number[],
  having: string,
): Promise<void> {
  const list = partitions.join(', ');
  await engine.command(
    `INSERT INTO progress (transport_partition, epoch, writer, stored_to, writing_to, streams)
     SELECT claimed, max(epoch) + 1, '${writer}', max(stored_to), max(writing_to), argMax(streams, stored_to) FROM
       (SELECT arrayJoin([${list}]) AS claimed, 0 AS epoch, '' AS writer, -1 AS stored_to, -1 AS writing_to,
          [] AS streams
        UNION ALL
        SELECT transport_partition, epoch, writer, stored_to, writing_to, streams
        FROM progress WHERE transport_partition IN (${list}))
     GROUP BY claimed ${having}`,
  );
}

/** The state of partitions for a writer; partitions that were never acquired are left out. */
export async function readEpochs(
  engine: SqlEngine,
  writer: string,
  partitions: readonly number[],
): Promise<PartitionEpoch[]> {
  const rows = await engine.query<EpochRow>(
    `SELECT transport_partition AS partition, maxIf(epoch, writer = '${writer}') AS ownEpoch,
       max((epoch, writer)).2 = '${writer}' AS isOwn,
       max(stored_to) AS storedTo, max(writing_to) AS writingTo, argMax(streams, stored_to) AS streams
     FROM progress WHERE transport_partition IN (${partitions.join(', ')})
     GROUP BY transport_partition`,
  );
  return rows.map(({ partition, ownEpoch, isOwn, storedTo, writingTo, streams }) => ({
    partition,
    epoch: Number(ownEpoch),
    isOwn: isOwn === 1,
    storedTo: Number(storedTo),
    writingTo: Number(writingTo),
    streams: streams.map(([stream, next]) => [stream, Number(next)] as const),
  }));
}

interface EpochRow {
  readonly partition: number;
  readonly ownEpoch: string;
  readonly isOwn: number;
  readonly storedTo: string;
  readonly writingTo: string;
  readonly streams: readonly (readonly [stream: string, next: string])[];
}

/** The writers that owned the partitions within a day, which is longer than an insert can run. */
export async function recentWriters(engine: SqlEngine, partitions: readonly number[]): Promise<string[]> {
  const rows = await engine.query<{ writer: string }>(
    `SELECT DISTINCT writer FROM progress
     WHERE transport_partition IN (${partitions.join(', ')}) AND written_at > now() - INTERVAL 1 DAY`,
  );
  return rows.map(({ writer }) => writer);
}

/** The server's message when {@link assertNotReplaced} rejects an insert. */
export const REPLACED = 'another writer has claimed the partition';

/** A condition that rejects an insert completely if one of the partitions has a later writer. */
export function assertNotReplaced(writer: string, epochs: ReadonlyMap<number, number>): string {
  const later = [...epochs].map(
    ([partition, epoch]) =>
      `(transport_partition = ${partition} AND (epoch, writer) > (${epoch}, '${writer}'))`,
  );
  return `(SELECT throwIf(count() > 0, '${REPLACED}') FROM progress WHERE ${later.join(' OR ')}) = 0`;
}

/** Inserts the stored offsets and the offsets of the block that is about to be inserted. */
export function insertProgress(
  writer: string,
  epochs: ReadonlyMap<number, number>,
  stored: { of(partition: number): StoredOffset },
  block: ReadonlyMap<number, OffsetRange>,
): string {
  const rows = [...block].map(([partition, { last }]) => {
    const { storedTo, streams } = stored.of(partition);
    const positions = Array.from(streams, ([stream, next]) => `(${quoted(stream)}, ${next})`);
    return `(${partition}, ${epochs.get(partition) ?? 0}, '${writer}', ${storedTo}, ${last}, [${positions.join(', ')}])`;
  });
  return `INSERT INTO progress (transport_partition, epoch, writer, stored_to, writing_to, streams) VALUES ${rows.join(', ')}`;
}
