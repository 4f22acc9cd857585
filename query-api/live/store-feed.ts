import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { timeText } from '@sonde/model/filter/sql';
import { accessOf } from '@sonde/query/access/access';
import { visibleRecords } from '@sonde/query/access/visible';
import { type RecordKind, recordKinds, tableOf } from '@sonde/query/records/record-query';
import { SqlParameters } from '@sonde/query/sql/parameters';
import { arrowRecords } from './arrow-records.js';
import type { LiveBlock, LiveFeed } from './feed.js';

export interface StoreFeedOptions {
  readonly store: FlowStore;
  readonly log: Logger;
  /** How often the store is asked. */
  readonly pollMs?: number;
}

/** Records can come to the store this long after they started. */
const LATE_MS = 600_000;

/** Most records that are read at once; the rest is left out and counted. */
const MAX_ROWS = 20_000;

/** Who watches is asked for by channels, which reduce what they show; the feed itself reads all. */
const everything = accessOf('live feed', [{ rights: ['view'], namespaces: 'all' }]);

/**
 * A feed of what any process stores, by asking the store again and again for offsets beyond those seen, once for all
 * who watch (docs/decisions/0008-live-views.md). Runs only while somebody does.
 */
export function createStoreFeed({ store, log, pollMs = 1000 }: StoreFeedOptions): LiveFeed {
  const listeners = new Set<(block: LiveBlock) => void>();
  let stop: AbortController | undefined;

  const run = async (signal: AbortSignal) => {
    const followers = recordKinds.map((kind) => new Follower(kind, store));
    while (!signal.aborted) {
      try {
        const blocks = await Promise.all(followers.map((follower) => follower.next()));
        for (const block of blocks) if (block) for (const listener of listeners) listener(block);
      } catch (error) {
        log.warn({ err: error }, 'the store could not be asked for what is new; trying again');
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
  };

  return {
    subscribe(onBlock) {
      const listener = (block: LiveBlock) => onBlock(block);
      listeners.add(listener);
      if (!stop) {
        stop = new AbortController();
        void run(stop.signal);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stop?.abort();
        stop = undefined;
      };
    },
  };
}

/** Follows a kind of records by the offsets of each partition. */
class Follower {
  /** The highest offset seen of each partition; undefined before the first look. */
  #seen: Map<number, number> | undefined;

  constructor(
    private readonly kind: RecordKind,
    private readonly store: FlowStore,
  ) {}

  /** What is new since the last time; the first time is the start, and nothing is new. */
  async next(): Promise<LiveBlock | undefined> {
    const news = await this.#news();
    const known = this.#seen;
    const highest = new Map(news.map(({ partition, highest }) => [partition, Number(highest)]));
    const rows = news.reduce((sum, { rows }) => sum + Number(rows), 0);
    const records = known && rows > 0 ? await this.#read(known, highest) : undefined;
    this.#seen = new Map([...(known ?? []), ...highest]);
    if (!records) return undefined;
    const left = { flows: 0, dns: 0, [this.kind]: rows - records.rows };
    return { [this.kind]: records, left };
  }

  /** The partitions in which there is something new, with how much. */
  async #news(): Promise<{ partition: number; highest: string; rows: string }[]> {
    const parameters = new SqlParameters();
    const sql = `SELECT transport_partition AS partition, max(transport_offset) AS highest, count() AS rows
      ${this.#fromNew(this.#seen ?? new Map<number, number>(), parameters)} GROUP BY partition`;
    return await this.store.query(sql, parameters.values);
  }

  async #read(known: ReadonlyMap<number, number>, highest: ReadonlyMap<number, number>) {
    const parameters = new SqlParameters();
    const { fields } = tableOf[this.kind];
    const sql = `SELECT ${fields.map(({ name }) => name).join(', ')} ${this.#fromNew(known, parameters)}
      AND transport_offset <= ${offsetOf(highest, parameters)}
      ORDER BY start_time LIMIT ${parameters.add(MAX_ROWS, 'UInt32')}`;
    const stream = await this.store.queryStream(sql, parameters.values, 'ArrowStream', {
      // The reader knows no compression.
      settings: {
        output_format_arrow_low_cardinality_as_dictionary: 1,
        output_format_arrow_compression_method: 'none',
      },
    });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return arrowRecords(fields, Buffer.concat(chunks));
  }

  #fromNew(known: ReadonlyMap<number, number>, parameters: SqlParameters): string {
    const since = parameters.add(timeText(Date.now() - LATE_MS), "DateTime64(3, 'UTC')");
    return `FROM ${visibleRecords(this.kind, everything, parameters)}
      WHERE start_time >= ${since} AND transport_offset > ${offsetOf(known, parameters)}`;
  }
}

/** The offset that is known of a row's partition; -1 if none is. */
function offsetOf(offsets: ReadonlyMap<number, number>, parameters: SqlParameters): string {
  if (offsets.size === 0) return '-1';
  const partitions = parameters.add([...offsets.keys()], 'Array(UInt32)');
  const values = parameters.add([...offsets.values()], 'Array(Int64)');
  return `transform(transport_partition, ${partitions}, ${values}, toInt64(-1))`;
}
