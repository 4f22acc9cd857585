import { createLogger } from '@sonde/backbone/logging';
import { encodeRecords } from '@sonde/backbone/store/arrow/encode';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedFlows } from '../builders/enriched-flows.js';
import { flowFields } from '@sonde/model/flow/fields';
import { inTemporaryDirectory } from './measure/temporary-directory.js';
import { syntheticFlows } from './synthetic/flows.js';

const BLOCKS = 50;
const BLOCK_ROWS = 20_000;
const START = Date.parse('2026-03-01T10:00:00Z');
const HOUR_MS = 3_600_000;

/** Measures the store: a million flows of one hour are written in blocks, then queried. */
export function run(): Promise<Record<string, number>> {
  return inTemporaryDirectory('store', async (directory) => {
    const store = await openChdbStore({ directory, log: createLogger('bench', 'warn') });
    try {
      await store.migrate();
      return {
        ...(await write(store)),
        ...(await size(store)),
        ...(await read(store)),
      };
    } finally {
      await store.close();
    }
  });
}

async function write(store: FlowStore): Promise<Record<string, number>> {
  const source = syntheticFlows();
  let encodeMs = 0;
  let insertMs = 0;
  for (let block = 0; block < BLOCKS; block++) {
    const rows = source.block(BLOCK_ROWS, START + (block * HOUR_MS) / BLOCKS, HOUR_MS / BLOCKS);
    const flows = enrichedFlows(rows);
    encodeMs += await elapsedMs(() => encodeRecords(flowFields, flows));
    insertMs += await elapsedMs(() => store.insert({ flows }));
  }
  const rows = BLOCKS * BLOCK_ROWS;
  return {
    'store.encodedFlowsPerSecond': (rows / encodeMs) * 1000,
    'store.insertedFlowsPerSecond': (rows / insertMs) * 1000,
  };
}

/** Bytes on disk after the merges that the engine has done by itself. */
async function size(store: FlowStore): Promise<Record<string, number>> {
  const [parts] = await store.query<{ bytes: string; rows: string }>(
    "SELECT sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts WHERE table = 'flows' AND active",
  );
  return { 'store.bytesPerFlow': Number(parts?.bytes) / Number(parts?.rows) };
}

/** Typical queries: the newest flows of a namespace, the newest denied ones, and the traffic of an hour by workloads. */
async function read(store: FlowStore): Promise<Record<string, number>> {
  const lastQuarter = "start_time >= toDateTime64('2026-03-01 10:45:00', 3, 'UTC')";
  const newest = 'ORDER BY start_time DESC LIMIT 100';
  const queries = {
    'store.newestOfNamespaceMillis': `SELECT * FROM flows
      WHERE ${lastQuarter} AND src_namespace = 'payments' ${newest}`,
    'store.newestDeniedMillis': `SELECT * FROM flows
      WHERE ${lastQuarter} AND action = 'deny' ${newest}`,
    'store.hourByWorkloadsMillis': `SELECT src_workload, dst_workload, sum(bytes_out + bytes_in) AS bytes
      FROM flows GROUP BY src_workload, dst_workload ORDER BY bytes DESC LIMIT 50`,
  };
  const figures: Record<string, number> = {};
  for (const [name, sql] of Object.entries(queries)) figures[name] = await medianMs(() => store.query(sql));
  return figures;
}

async function medianMs(action: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) times.push(await elapsedMs(action));
  return times.sort((a, b) => a - b)[2] ?? NaN;
}

async function elapsedMs(action: () => unknown): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}
