import type { StoredOffset } from '../../transport/interface/transport.js';
import type { OffsetRange } from './offset-ranges.js';
import { quoted, type SqlEngine } from '../sql/sql-engine.js';

/** What is known of a partition that somebody has claimed. */
export interface PartitionEpoch extends StoredOffset {
  readonly partition: number;
  /** The last epoch of the writer who asks, and whether the partition is that writer's. */
  readonly epoch: number;
  readonly isOwn: boolean;
  /** Something up to here may be stored. */
  readonly writingTo: number;
}

/**
 * Makes a writer the one of some partitions: once every server knows of it, writers before it can begin no insert there.
 */
export async function acquirePartitions(
  engine: SqlEngine,
  writer: string,
  partitions: readonly number[],
): Promise<void> {
  await writeClaims(engine, writer, partitions, '');
}

/**
 * Begins a new epoch of those of some partitions that a writer has, so that none of its own requests that are still on
 * their way can begin.
 */
export async function renewEpochs(
  engine: SqlEngine,
  writer: string,
  partitions: readonly number[],
): Promise<void> {
  await writeClaims(engine, writer, partitions, `HAVING max((epoch, writer)).2 = '${writer}'`);
}

async function writeClaims(
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

/** What is known of those of some partitions that anybody has claimed, as a writer sees it. */
export async function readEpochs(
  engine: SqlEngine,
  writer: string,
  partitions: readonly number[],
): Promise<PartitionEpoch[]> {
  const rows = await engine.query<ClaimRow>(
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

interface ClaimRow {
  readonly partition: number;
  readonly ownEpoch: string;
  readonly isOwn: number;
  readonly storedTo: string;
  readonly writingTo: string;
  readonly streams: readonly (readonly [stream: string, next: string])[];
}

/** Those who wrote the partitions not long ago; an insert does not last so long. */
export async function recentWriters(engine: SqlEngine, partitions: readonly number[]): Promise<string[]> {
  const rows = await engine.query<{ writer: string }>(
    `SELECT DISTINCT writer FROM progress
     WHERE transport_partition IN (${partitions.join(', ')}) AND written_at > now() - INTERVAL 1 DAY`,
  );
  return rows.map(({ writer }) => writer);
}

/** What the server says of an insert that is refused by {@link assertNotReplaced}. */
export const REPLACED = 'another writer has claimed the partition';

/** A condition on an insert that refuses it as a whole if one of the partitions has a later writer. */
export function assertNotReplaced(writer: string, epochs: ReadonlyMap<number, number>): string {
  const later = [...epochs].map(
    ([partition, epoch]) =>
      `(transport_partition = ${partition} AND (epoch, writer) > (${epoch}, '${writer}'))`,
  );
  return `(SELECT throwIf(count() > 0, '${REPLACED}') FROM progress WHERE ${later.join(' OR ')}) = 0`;
}

/** Writes how far everything is stored, and that a block is about to be. */
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
