import { clusterObjectsTable, createClusterObjects } from './cluster-objects.js';
import {
  columnDefinition,
  columnType,
  createTable,
  dnsTable,
  flowsTable,
  type RecordTable,
  recordTables,
} from './schema.js';
import { StoreError } from './store.js';

/** What migrations need of an engine. */
export interface SqlEngine {
  command(sql: string): Promise<void>;
  query<Row>(sql: string, parameters?: Readonly<Record<string, unknown>>): Promise<Row[]>;
}

interface Migration {
  readonly name: string;
  /** Statements that may be run again: a crash between them and the record of them repeats them. */
  readonly statements: () => readonly string[];
}

/**
 * Every change of structure, in order; its number is its place in the list, counted from 1. Append, never edit.
 * A field that is only new in the declaration needs none: {@link upgradeTables} adds its column.
 */
const migrations: readonly Migration[] = [
  { name: 'create flows', statements: () => [createTable(flowsTable)] },
  { name: 'create dns', statements: () => [createTable(dnsTable)] },
  { name: 'create cluster_objects', statements: () => [createClusterObjects()] },
];

/**
 * Brings the tables to the shape that this version declares. Safe to repeat, and for several processes at once.
 * @param retentionDays how long records are kept; without it for ever.
 * @throws StoreError if a newer version has written the store, or if a column's type changed.
 */
export async function upgradeTables(engine: SqlEngine, retentionDays?: number): Promise<void> {
  await runMigrations(engine);
  for (const table of recordTables) {
    await addNewFields(engine, table);
    await setRetention(engine, table.name, 'start_time', retentionDays);
  }
  await setRetention(engine, clusterObjectsTable, 'seen_at', retentionDays);
}

async function runMigrations(engine: SqlEngine): Promise<void> {
  await engine.command(
    `CREATE TABLE IF NOT EXISTS migrations
     (number UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
     ENGINE = MergeTree ORDER BY number`,
  );
  const rows = await engine.query<{ number: number }>(
    'SELECT DISTINCT number FROM migrations ORDER BY number',
  );
  const applied = new Set(rows.map((row) => row.number));
  const newest = Math.max(0, ...applied);
  if (newest > migrations.length) {
    throw new StoreError(
      `the store is at migration ${newest}, this version knows ${migrations.length}: ` +
        'a newer version of Sonde has written it; run that version or another data directory',
    );
  }
  for (const [index, { name, statements }] of migrations.entries()) {
    if (applied.has(index + 1)) continue;
    for (const statement of statements()) await engine.command(statement);
    await engine.command(`INSERT INTO migrations (number, name) SELECT ${index + 1}, '${name}'`);
  }
}

/** Adds the columns of fields that were declared since the table was made, and the new values of enumerations. */
async function addNewFields(engine: SqlEngine, table: RecordTable): Promise<void> {
  const columns = await engine.query<{ name: string; type: string }>(
    'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}',
    { table: table.name },
  );
  const stored = new Map(columns.map((column) => [column.name, column.type]));
  const changes: string[] = [];
  for (const field of table.fields) {
    const type = stored.get(field.name);
    if (type === undefined) {
      changes.push(`ADD COLUMN IF NOT EXISTS ${columnDefinition(field)}`);
    } else if (type !== columnType(field)) {
      if (!isExtensionOf(columnType(field), type)) {
        throw new StoreError(
          `${table.name}.${field.name} is stored as ${type}, this version declares ${columnType(field)}: ` +
            'such a change needs a numbered migration',
        );
      }
      changes.push(`MODIFY COLUMN ${columnDefinition(field)}`);
    }
  }
  if (changes.length > 0) await engine.command(`ALTER TABLE ${table.name} ${changes.join(', ')}`);
}

/** Whether an enumeration's type is another's with values added at the end. */
function isExtensionOf(type: string, former: string): boolean {
  return former.startsWith('Enum8(') && type.startsWith(`${former.slice(0, -1)}, `);
}

/** Sets how long a table's rows are kept, if that is not so already: a changed TTL makes the engine look at every part. */
async function setRetention(
  engine: SqlEngine,
  name: string,
  timeColumn: string,
  days: number | undefined,
): Promise<void> {
  const [table] = await engine.query<{ engine_full: string }>(
    'SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}',
    { table: name },
  );
  const current = / TTL toDateTime\(\w+\) \+ toIntervalDay\((\d+)\)/.exec(table?.engine_full ?? '')?.[1];
  if (current === days?.toString()) return;
  await engine.command(
    days === undefined
      ? `ALTER TABLE ${name} REMOVE TTL`
      : `ALTER TABLE ${name} MODIFY TTL toDateTime(${timeColumn}) + toIntervalDay(${days})`,
  );
}
