import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ClickHouseConnection, ClickHouseServers } from '@sonde/backbone/store/clickhouse/servers';
import { startClickHouseEndpoint } from './endpoint.js';

/** The ClickHouse of a test: the server at CLICKHOUSE_URL if it is set, else the endpoint over chDB in this process. */
export interface TestClickHouse {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** A unique database; created by the first migration and dropped at the end. */
  readonly database: string;
  /** Runs a statement with all rights. */
  command(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** Drops a test's database. */
export async function dropDatabase(connection: ClickHouseConnection): Promise<void> {
  const outside = new ClickHouseServers({ ...connection, database: 'default' });
  await outside.command({ sql: `DROP DATABASE IF EXISTS ${connection.database}` });
  await outside.close();
}

export async function startTestClickHouse(): Promise<TestClickHouse> {
  const given = process.env['CLICKHOUSE_URL'];
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-clickhouse-'));
  const endpoint = given === undefined ? await startClickHouseEndpoint(directory) : undefined;
  const database = `sonde_test_${randomUUID().replaceAll('-', '')}`;
  const connection = {
    url: endpoint?.url ?? given ?? '',
    username: process.env['CLICKHOUSE_USER'] ?? 'default',
    password: process.env['CLICKHOUSE_PASSWORD'] ?? '',
    database,
  };
  const administrator = new ClickHouseServers({ ...connection, urls: [connection.url] });
  return {
    ...connection,
    command: (sql) => administrator.command({ sql }),
    async close() {
      await administrator.close();
      await dropDatabase({ ...connection, urls: [connection.url] });
      await endpoint?.close();
      await rm(directory, { recursive: true });
    },
  };
}
