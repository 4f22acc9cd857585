import type { FieldDeclaration } from '@sonde/model/record/field';
import { clusterObjects, clusterObjectsDefinition } from './cluster-objects.js';
import { PROGRESS_TTL, progressDefinition, STREAMS_COLUMN } from './progress-table.js';
import {
  columnDefinition,
  columnType,
  dnsTable,
  flowsTable,
  type RecordTable,
  recordTableDefinition,
  recordTables,
} from './record-tables.js';
import type { SqlEngine } from '../sql/sql-engine.js';
import { StoreError } from '../store.js';
import {
  createTable,
  onCluster,
  storedName,
  type TableDefinition,
  type TableLayout,
} from './table-definition.js';

interface SchemaMigration {
  readonly name: string;
  /** Statements that can be repeated: a crash before the migration is recorded repeats them. */
  readonly statements: (layout: TableLayout) => readonly string[];
}

/**
 * All schema changes in order; the number of a migration is its position in the list, from 1. Append, never edit.
 * A new field in a declaration needs no migration: {@link upgradeTables} adds its column.
 */
const migrations: readonly SchemaMigration[] = [
  creation('create flows', recordTableDefinition(flowsTable)),
  creation('create dns', recordTableDefinition(dnsTable)),
  creation('create cluster_objects', clusterObjectsDefinition),
  creation('create progress', progressDefinition),
  {
    name: 'add progress.streams',
    statements: (layout) => {
      const alter = `ALTER TABLE ${storedName(progressDefinition, layout)}${onCluster(layout)}`;
      return [`${alter} ADD COLUMN IF NOT EXISTS ${STREAMS_COLUMN}`, `${alter} MODIFY ${PROGRESS_TTL}`];
    },
  },
];

function creation(name: string, table: TableDefinition): SchemaMigration {
  return { name, statements: (layout) => createTable(table, layout) };
}

/** The migrations that were applied. */
const migrationsDefinition: TableDefinition = {
  name: 'migrations',
  elements: ['number UInt32', 'name String', "applied_at DateTime64(3, 'UTC') DEFAULT now64(3)"],
  engine: 'MergeTree',
  clauses: ['ORDER BY number'],
};

/**
 * Creates or upgrades the tables to what this version declares. Safe to repeat and to run in several processes at once.
 * @param layout the layout of the tables; it never changes for a store.
 * @param retentionDays how long records are kept; forever if absent.
 * @throws StoreError if a newer version has upgraded the store, or if a column's type changed.
 */
export async function upgradeTables(
  engine: SqlEngine,
  layout: TableLayout,
  retentionDays?: number,
): Promise<void> {
  await runMigrations(engine, layout);
  for (const table of recordTables) {
    await addNewFields(engine, table, layout);
    await setRetention(engine, recordTableDefinition(table), 'start_time', layout, retentionDays);
  }
  await setRetention(
    engine,
    clusterObjectsDefinition,
    clusterObjects.insertTimeColumn,
    layout,
    retentionDays,
  );
}

async function runMigrations(engine: SqlEngine, layout: TableLayout): Promise<void> {
  for (const statement of createTable(migrationsDefinition, layout)) await engine.command(statement);
  const rows = await engine.query<{ number: number }>(
    'SELECT DISTINCT number FROM migrations ORDER BY number',
  );
  const applied = new Set(rows.map((row) => row.number));
  const newest = Math.max(0, ...applied);
  if (newest > migrations.length) {
    throw new StoreError(
      `the store is at migration ${newest}, but this version of Sonde knows only ${migrations.length}: ` +
        'a newer version has upgraded it; run that version or use another data directory or database',
    );
  }
  for (const [index, { name, statements }] of migrations.entries()) {
    if (applied.has(index + 1)) continue;
    for (const statement of statements(layout)) await engine.command(statement);
    await engine.command(`INSERT INTO migrations (number, name) SELECT ${index + 1}, '${name}'`);
  }
}

/** Adds the columns of fields that were declared since the table was created, and new values of enumerations. */
async function addNewFields(engine: SqlEngine, table: RecordTable, layout: TableLayout): Promise<void> {
  const definition = recordTableDefinition(table);
  const stored = storedName(definition, layout);
  const columns = await engine.query<{ name: string; type: string }>(
    'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}',
    { table: stored },
  );
  const types = new Map(columns.map((column) => [column.name, column.type]));
  const changes: FieldChange[] = [];
  for (const field of table.fields) {
    const type = types.get(field.name);
    if (type === undefined) {
      changes.push({ verb: 'ADD COLUMN IF NOT EXISTS', field });
    } else if (type !== columnType(field)) {
      if (!isExtensionOf(columnType(field), type)) {
        throw new StoreError(
          `${table.name}.${field.name} is stored as ${type}, this version declares ${columnType(field)}: ` +
            'such a change needs a numbered migration',
        );
      }
      changes.push({ verb: 'MODIFY COLUMN', field });
    }
  }
  if (changes.length === 0) return;
  await alter(stored, ({ verb, field }) => `${verb} ${columnDefinition(field)}`);
  // A distributed table stores no data and therefore has no codecs.
  if (stored !== table.name) {
    await alter(table.name, ({ verb, field }) => `${verb} ${field.name} ${columnType(field)}`);
  }

  async function alter(name: string, toText: (change: FieldChange) => string): Promise<void> {
    await engine.command(`ALTER TABLE ${name}${onCluster(layout)} ${changes.map(toText).join(', ')}`);
  }
}

interface FieldChange {
  readonly verb: 'ADD COLUMN IF NOT EXISTS' | 'MODIFY COLUMN';
  readonly field: FieldDeclaration;
}

/** Whether an enumeration type only appends values to a former one. */
function isExtensionOf(type: string, former: string): boolean {
  return former.startsWith('Enum8(') && type.startsWith(`${former.slice(0, -1)}, `);
}

/** Sets the retention of a table's rows unless it is set already: a changed TTL makes the engine check every part. */
async function setRetention(
  engine: SqlEngine,
  table: TableDefinition,
  timeColumn: string,
  layout: TableLayout,
  days: number | undefined,
): Promise<void> {
  const name = storedName(table, layout);
  const [stored] = await engine.query<{ engine_full: string }>(
    'SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}',
    { table: name },
  );
  const current = / TTL toDateTime\(\w+\) \+ toIntervalDay\((\d+)\)/.exec(stored?.engine_full ?? '')?.[1];
  if (current === days?.toString()) return;
  const change =
    days === undefined ? 'REMOVE TTL' : `MODIFY TTL toDateTime(${timeColumn}) + toIntervalDay(${days})`;
  await engine.command(`ALTER TABLE ${name}${onCluster(layout)} ${change}`);
}
