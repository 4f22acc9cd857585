import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { upgradeTables } from '@sonde/backbone/store/schema/migrations';
import { Session } from 'chdb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/**
 * chDB configured like a server of a cluster: with a cluster, macros and ClickHouse's own fake Keeper in memory
 * (src/Common/ZooKeeper/TestKeeper.h). It runs neither the queue of ON CLUSTER nor replication, so replicated tables stay
 * read-only; data in them needs real servers.
 */
const configuration = `<clickhouse>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>1</shard><replica>first</replica></macros>
  <remote_servers><main><shard>
    <internal_replication>true</internal_replication>
    <replica><host>127.0.0.1</host><port>9000</port></replica>
  </shard></main></remote_servers>
</clickhouse>`;

let directory: string;
let session: Session;

beforeAll(async () => {
  directory = temporaryDirectory('cluster-tables');
  const file = path.join(directory, 'config.xml');
  await writeFile(file, configuration);
  session = new Session(path.join(directory, 'engine'), { connectionArgs: [`--config-file=${file}`] });
  await session.queryAsync('CREATE DATABASE sonde');
  await session.queryAsync('USE sonde');
});

afterAll(async () => {
  // Closing would wait forever for the read-only replicated tables.
  await session.queryAsync('DROP DATABASE sonde SYNC');
  session.close();
});

it('the engine creates the tables of a cluster', async () => {
  const created: string[] = [];
  await upgradeTables(
    {
      async command(sql) {
        if (!sql.startsWith('CREATE TABLE')) return;
        await session.queryAsync(sql.replace(" ON CLUSTER 'main'", ''));
        created.push(sql);
      },
      query: () => Promise.resolve([]),
    },
    { kind: 'cluster', cluster: 'main' },
  );
  const tables = await session.queryAsync(
    "SELECT name, engine FROM system.tables WHERE database = 'sonde' ORDER BY name",
    { format: 'TabSeparated' },
  );
  expect(tables.text().trim().split('\n')).toEqual([
    'cluster_objects\tReplicatedReplacingMergeTree',
    'dns\tDistributed',
    'dns_local\tReplicatedMergeTree',
    'flows\tDistributed',
    'flows_local\tReplicatedMergeTree',
    'migrations\tReplicatedMergeTree',
    'progress\tReplicatedReplacingMergeTree',
  ]);
  expect(created).toHaveLength(7);
  const replicas = await session.queryAsync(
    'SELECT table, zookeeper_path, replica_name FROM system.replicas ORDER BY table',
    { format: 'TabSeparated' },
  );
  expect(replicas.text().trim().split('\n')).toEqual([
    'cluster_objects\t/clickhouse/tables/sonde/cluster_objects\t1-first',
    'dns_local\t/clickhouse/tables/sonde/dns_local/1\tfirst',
    'flows_local\t/clickhouse/tables/sonde/flows_local/1\tfirst',
    'migrations\t/clickhouse/tables/sonde/migrations\t1-first',
    'progress\t/clickhouse/tables/sonde/progress\t1-first',
  ]);
});
