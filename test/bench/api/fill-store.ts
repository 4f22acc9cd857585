import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { ChdbConnection } from '@sonde/backbone/store/chdb/connection';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import { parseJsonRows } from '@sonde/backbone/store/sql/sql-engine';
import { storeClusterFlows } from './cluster-flows.js';

const FLOWS = 10_000_000;
const SPAN_MS = 3 * 86_400_000;
/** Stored flows extend this far into the future, so that queries for the newest flows find some. */
const AHEAD_MS = 5 * 60_000;

/** A day without other flows, on which the synthetic cluster's pods exist. */
const SEED_DAY = '2026-02-15';
const SEED_MS = Date.parse(`${SEED_DAY}T00:00:00Z`);

/** Flows made by the enricher; the rest are copies with other times and client ports. */
const SEED = { windows: 8, connections: 30_000, startMs: SEED_MS };
const MAX_MERGE_MS = 120_000;

/**
 * A process that fills a store, `fill-store DIRECTORY`: flows of a cluster of 10,000 pods through the enricher, and then
 * copies of them by the engine itself, until there are ten million of the last three days.
 */
const [, , directory = ''] = process.argv;
const log = createLogger('bench', 'warn');
const store = await openChdbStore({ directory, log });
await store.migrate();
await storeClusterFlows(store, SEED, log);
await store.close();
const engine = new ChdbConnection(path.join(directory, 'chdb'));
await copySeed();
await command(`ALTER TABLE flows DROP PARTITION '${SEED_DAY}'`);
await merged();
engine.close();

async function copySeed(): Promise<void> {
  const [seed] = await rows<{ count: number }>(`SELECT toUInt32(count()) AS count FROM flows`);
  const count = seed?.count ?? 0;
  const fromMs = Date.now() + AHEAD_MS - SPAN_MS;
  const copies = Math.ceil(FLOWS / count);
  const lengthMs = Math.floor(SPAN_MS / copies);
  for (let copy = 0; copy < copies; copy++) {
    const limit = Math.min(count, FLOWS - copy * count);
    await command(copyStatement(fromMs + copy * lengthMs, lengthMs, limit));
  }
}

/** Random windows of five seconds in a time range; a flow keeps its position within the window. */
function copyStatement(fromMs: number, lengthMs: number, limit: number): string {
  const start = `${fromMs} + intDiv(rand64(1) % ${lengthMs}, 5000) * 5000 + toUnixTimestamp64Milli(start_time) % 5000`;
  return `INSERT INTO flows
    SELECT * REPLACE(
      fromUnixTimestamp64Milli(toInt64(start), 'UTC') AS start_time,
      fromUnixTimestamp64Milli(toInt64(start) + duration, 'UTC') AS end_time,
      32768 + rand(2) % 28000 AS src_port) EXCEPT (start, duration)
    FROM (SELECT *, ${start} AS start, toUnixTimestamp64Milli(end_time) - toUnixTimestamp64Milli(start_time) AS duration
      FROM flows WHERE toDate(start_time) = '${SEED_DAY}' LIMIT ${limit})
    SETTINGS max_insert_threads = 1`;
}

/** Waits until the engine has finished its merges, as in a store that has been idle. */
async function merged(): Promise<void> {
  const lastMs = performance.now() + MAX_MERGE_MS;
  for (let quiet = 0; quiet < 3 && performance.now() < lastMs;) {
    await delay(500);
    const [merges] = await rows<{ count: number }>('SELECT toUInt32(count()) AS count FROM system.merges');
    quiet = merges?.count === 0 ? quiet + 1 : 0;
  }
}

async function command(sql: string): Promise<void> {
  await engine.run(sql, {}, 'Null', {});
}

async function rows<Row>(sql: string): Promise<Row[]> {
  return parseJsonRows<Row>(await engine.run(sql, {}, 'JSONEachRow', {}));
}
