import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { ChdbConnection } from '@sonde/backbone/store/chdb/connection';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import { parseJsonRows } from '@sonde/backbone/store/sql/sql-engine';
import { storeClusterFlows } from './cluster-flows.js';

const FLOWS = 10_000_000;
const SPAN_MS = 3 * 86_400_000;
/** What is stored goes on for so long, so that there are still newest flows when it is asked for. */
const AHEAD_MS = 5 * 60_000;

/** A day that is no other flow's, on which the synthetic cluster's pods are there. */
const SEED_DAY = '2026-02-15';
const SEED_MS = Date.parse(`${SEED_DAY}T00:00:00Z`);

/** What the enricher is asked for; the rest are these again, at other times and with other ports of clients. */
const SEED = { windows: 8, connections: 30_000, startMs: SEED_MS };
const LONGEST_MERGE_MS = 120_000;

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

/** Windows of five seconds at random in a stretch of time; within its window a flow stays where it was. */
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

/** Waits until the engine has merged what it wants to: a store that has stood for a while. */
async function merged(): Promise<void> {
  const lastMs = performance.now() + LONGEST_MERGE_MS;
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
