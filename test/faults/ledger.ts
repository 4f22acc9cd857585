import { existsSync, readFileSync } from 'node:fs';
import type { FlowStore } from '@sonde/backbone/store/store';

/** Settings of a collector with synthetic traffic. */
export interface CollectorSettings {
  readonly cluster: string;
  readonly node: string;
  /** Distinguishes the windows of this process from those of earlier ones. */
  readonly generation: number;
  readonly brokers: readonly string[];
  /** Prefix of names in Kafka. */
  readonly prefix: string;
  readonly partitions: number;
  readonly spoolDirectory: string;
  readonly maxSpoolBytes: number;
  readonly ledgerFile: string;
  readonly rowsPerWindow: number;
  readonly windowMs: number;
  readonly maxWindows: number;
  /** The error of the node's clock. */
  readonly clockAheadMs: number;
  readonly drainMs: number;
  readonly logLevel: string;
}

/** A window is `begun` when a collector publishes it, and `safe` when `publish` has resolved. */
export interface LedgerLine {
  readonly node: string;
  /** Unique on its node. */
  readonly window: string;
  readonly rows: number;
  readonly state: 'begun' | 'safe';
}

/** What collectors have published, according to themselves. */
export interface Ledger {
  /** Rows of each window by `node/window`; a window that is not safe may be stored or not, but only completely. */
  readonly windows: ReadonlyMap<string, { readonly rows: number; readonly isSafe: boolean }>;
  readonly safeRows: number;
}

export function readLedger(files: readonly string[]): Ledger {
  const windows = new Map<string, { rows: number; isSafe: boolean }>();
  for (const file of files) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    for (const line of text.split('\n').filter(Boolean)) {
      const { node, window, rows, state } = JSON.parse(line) as LedgerLine;
      windows.set(`${node}/${window}`, { rows, isSafe: state === 'safe' });
    }
  }
  const safe = [...windows.values()].filter(({ isSafe }) => isSafe);
  return { windows, safeRows: safe.reduce((sum, { rows }) => sum + rows, 0) };
}

/** The differences between the store and a ledger. Rows that are not in the ledger are ignored. */
export interface Difference {
  /** Windows of which flows or lookups are missing; if a window is not safe, only if a part of it is stored. */
  readonly missing: readonly string[];
  /** Number of missing flows. */
  readonly missingRows: number;
  /** Windows of which a flow or lookup is stored more than once. */
  readonly wrong: readonly string[];
}

/** Compares row by row: by node, window name and number of the flow. */
export async function compare(ledger: Ledger, store: FlowStore): Promise<Difference> {
  const stored = new Map((await storedWindows(store)).map((one) => [`${one.node}/${one.window}`, one]));
  const missing: string[] = [];
  let missingRows = 0;
  const wrong: string[] = [];
  for (const [name, { rows, isSafe }] of ledger.windows) {
    const found = stored.get(name) ?? { flows: 0, distinct: 0, lookups: 0, messages: 0 };
    if (found.flows > found.distinct || found.distinct > rows || found.lookups > 1) {
      const { flows, lookups, messages } = found;
      wrong.push(`${name}: ${flows} rows of ${rows} flows, ${lookups} lookups, from ${messages} messages`);
    } else if (
      (isSafe || found.flows > 0 || found.lookups > 0) &&
      (found.distinct < rows || found.lookups < 1)
    ) {
      missing.push(`${name}: ${found.distinct} of ${rows} flows, ${found.lookups} lookups`);
      missingRows += rows - found.distinct;
    }
  }
  return { missing, missingRows, wrong };
}

interface StoredWindow {
  readonly node: string;
  readonly window: string;
  readonly flows: number;
  readonly distinct: number;
  readonly lookups: number;
  /** By their offsets: several if the transport has duplicated them, one if the store has. */
  readonly messages: number;
}

async function storedWindows(store: FlowStore): Promise<StoredWindow[]> {
  const rows = await store.query<Record<keyof StoredWindow, string>>(
    `SELECT node, window, toString(sum(is_flow)) AS flows, toString(uniqExactIf(number, is_flow = 1)) AS distinct,
       toString(sum(1 - is_flow)) AS lookups, toString(uniqExact(message)) AS messages
     FROM (SELECT node, tls_server_name AS window, src_port AS number, 1 AS is_flow,
             (transport_partition, transport_offset) AS message FROM flows
           UNION ALL SELECT node, query_name, 0, 0, (transport_partition, transport_offset) FROM dns)
     GROUP BY node, window`,
  );
  return rows.map(({ node, window, flows, distinct, lookups, messages }) => ({
    ...{ node, window },
    flows: Number(flows),
    distinct: Number(distinct),
    lookups: Number(lookups),
    messages: Number(messages),
  }));
}
