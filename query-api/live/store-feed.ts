import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { timeText } from '@sonde/model/filter/sql';
import { accessOf } from '@sonde/query/access/access';
import { visibleRecords } from '@sonde/query/access/visible';
import { type RecordKind, recordKinds, tableOf } from '@sonde/query/records/record-query';
import { offsetSql } from '@sonde/query/sql/offset';
import { SqlParameters } from '@sonde/query/sql/parameters';
import { arrowRecords } from './arrow-records.js';
import type { LiveBlock, LiveFeed } from './feed.js';

export interface StoreFeedOptions {
  readonly store: FlowStore;
  readonly log: Logger;
  /** Poll interval, in milliseconds. */
  readonly pollMs?: number;
}

/** Maximum delay between the start of a record and its arrival in the store. */
const MAX_DELAY_MS = 600_000;

/** Maximum number of records per poll; the rest is dropped and counted. */
const MAX_ROWS = 20_000;

/** The feed reads everything; channels redact what they send. */
const fullAccess = accessOf('live feed', [{ rights: ['view'], namespaces: 'all' }]);

/**
 * A feed of the records that any process stores. Polls the store for offsets beyond those seen, once for all subscribers
 * (docs/decisions/0008-live-views.md). Runs only while there are subscribers.
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
        log.warn({ err: error }, 'polling the store for new records failed; retrying');
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

/** Finds new records of a kind by the offsets of each partition. */
class Follower {
  /** The highest offset seen of each partition; undefined before the first poll. */
  #seen: Map<number, number> | undefined;

  constructor(
    private readonly kind: RecordKind,
    private readonly store: FlowStore,
  ) {}

  /** The records since the last poll; the first poll only determines the start. */
  async next(): Promise<LiveBlock | undefined> {
    const changes = await this.#changes();
    const seen = this.#seen;
    const highest = new Map(changes.map(({ partition, highest }) => [partition, Number(highest)]));
    const rows = changes.reduce((sum, { rows }) => sum + Number(rows), 0);
    const records = seen && rows > 0 ? await this.#read(seen, highest) : undefined;
    this.#seen = new Map([...(seen ?? []), ...highest]);
    if (!records) return undefined;
    const omitted = { flows: 0, dns: 0, [this.kind]: rows - records.rows };
    return { [this.kind]: records, omitted };
  }

  /** The partitions with new records, and their number. */
  async #changes(): Promise<{ partition: number; highest: string; rows: string }[]> {
    const parameters = new SqlParameters();
    const sql = `SELECT transport_partition AS partition, max(transport_offset) AS highest, count() AS rows
      ${this.#fromNew(this.#seen ?? new Map<number, number>(), parameters)} GROUP BY partition`;
    return await this.store.query(sql, parameters.values);
  }

  async #read(seen: ReadonlyMap<number, number>, highest: ReadonlyMap<number, number>) {
    const parameters = new SqlParameters();
    const { fields } = tableOf[this.kind];
    const sql = `SELECT ${fields.map(({ name }) => name).join(', ')} ${this.#fromNew(seen, parameters)}
      AND transport_offset <= ${offsetSql(highest, parameters)}
      ORDER BY start_time LIMIT ${parameters.add(MAX_ROWS, 'UInt32')}`;
    const stream = await this.store.queryStream(sql, parameters.values, 'ArrowStream', {
      // The Arrow reader does not support compression.
      settings: {
        output_format_arrow_low_cardinality_as_dictionary: 1,
        output_format_arrow_compression_method: 'none',
      },
    });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return arrowRecords(fields, Buffer.concat(chunks));
  }

  #fromNew(seen: ReadonlyMap<number, number>, parameters: SqlParameters): string {
    const since = parameters.add(timeText(Date.now() - MAX_DELAY_MS), "DateTime64(3, 'UTC')");
    return `FROM ${visibleRecords(this.kind, fullAccess, parameters)}
      WHERE start_time >= ${since} AND transport_offset > ${offsetSql(seen, parameters)}`;
  }
}
