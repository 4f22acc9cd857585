import pino from 'pino';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChdbStore } from '../chdb/chdb-store.js';
import { upgradeTables } from './migrations.js';
import { progressDefinition } from './progress-table.js';
import { flowsTable, recordTableDefinition } from './record-tables.js';
import type { FlowStore } from '../store.js';
import { createTable, type TableLayout } from './table-definition.js';

/**
 * chDB has neither Keeper nor other servers: it can check that statements for a cluster are valid SQL with the intended
 * meaning, but not run them.
 */
const cluster: TableLayout = { kind: 'cluster', cluster: 'main' };

let directory: string;
let engine: FlowStore;

beforeAll(async () => {
  directory = temporaryDirectory('cluster');
  engine = await openChdbStore({ directory, log: pino({ level: 'silent' }) });
});

afterAll(async () => {
  await engine.close();
});

/** A statement as the engine has parsed it, on one line. */
async function understood(statement: string): Promise<string> {
  const [row] = await engine.query<{ sql: string }>('SELECT formatQuerySingleLine({sql:String}) AS sql', {
    sql: statement,
  });
  return row?.sql ?? '';
}

describe('on a cluster', () => {
  it('records are in replicated tables of each shard, distributed by transport partition', async () => {
    const [stored = '', distributed = '', ...others] = createTable(
      recordTableDefinition(flowsTable),
      cluster,
    );
    expect(others).toEqual([]);
    expect(await understood(stored)).toMatch(
      /^CREATE TABLE IF NOT EXISTS flows_local ON CLUSTER main \(.*\) ENGINE = ReplicatedMergeTree\('\/clickhouse\/tables\/\{database\}\/\{table\}\/\{shard\}', '\{replica\}'\) PARTITION BY toDate\(start_time\)/,
    );
    expect(await understood(distributed)).toBe(
      'CREATE TABLE IF NOT EXISTS flows ON CLUSTER main AS flows_local ' +
        "ENGINE = Distributed('main', currentDatabase(), flows_local, transport_partition)",
    );
  });

  it('progress is one table that is replicated to all servers', async () => {
    const [create = '', ...others] = createTable(progressDefinition, cluster);
    expect(others).toEqual([]);
    expect(await understood(create)).toContain(
      "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}', '{shard}-{replica}', writing_to)",
    );
  });

  it('every statement that creates or changes tables is valid and runs on all servers', async () => {
    const statements = await statementsOfUpgrade({ flows_local: 'sampling UInt32' });
    for (const statement of statements) {
      const text = await understood(statement);
      if (!text.startsWith('INSERT')) expect(text).toContain(' ON CLUSTER main ');
    }
    const added = statements.filter((statement) => statement.includes('ADD COLUMN'));
    expect(added.map((statement) => /ALTER TABLE (\w+)/.exec(statement)?.[1])).toEqual([
      'progress',
      'flows_local',
      'flows',
      'dns_local',
      'dns',
    ]);
    // Distributed tables have no codecs.
    expect(added.map((statement) => statement.includes('CODEC'))).toEqual([false, true, false, true, false]);
    const kept = statements.filter((statement) => statement.includes('MODIFY TTL'));
    expect(kept.map((statement) => /ALTER TABLE (\w+)/.exec(statement)?.[1])).toEqual([
      'progress',
      'flows_local',
      'dns_local',
      'cluster_objects',
    ]);
  });
});

/** The statements of an upgrade of tables that have only the given columns. */
async function statementsOfUpgrade(columns: Readonly<Record<string, string>>): Promise<string[]> {
  const statements: string[] = [];
  const stand = {
    command: (sql: string) => {
      statements.push(sql);
      return Promise.resolve();
    },
    query: <Row>(sql: string, parameters?: Readonly<Record<string, unknown>>): Promise<Row[]> => {
      const column = columns[String(parameters?.['table'])]?.split(' ');
      const rows = sql.includes('system.columns') && column ? [{ name: column[0], type: column[1] }] : [];
      return Promise.resolve(rows as Row[]);
    },
  };
  await upgradeTables(stand, cluster, 30);
  return statements;
}
