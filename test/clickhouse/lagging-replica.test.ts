import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createLogger } from '@sonde/backbone/logging';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse/clickhouse-store';
import { afterEach, beforeEach, expect, it } from 'vitest';

/**
 * A fake server of a cluster that gets the other servers' data only with SYSTEM SYNC REPLICA, and the statements that it
 * received. It has no engine.
 */
interface LaggingReplica {
  readonly url: string;
  readonly statements: readonly string[];
  readonly server: Server;
}

let replica: LaggingReplica;

beforeEach(async () => {
  replica = await startLaggingReplica();
});

afterEach(async () => {
  replica.server.closeAllConnections();
  await new Promise((resolve) => replica.server.close(resolve));
});

it('an acquired partition resumes after an offset that only another server of the cluster knew', async () => {
  const log = createLogger('test', 'silent');
  const store = openClickHouseStore({
    urls: [replica.url],
    database: 'sonde',
    username: 'default',
    password: '',
    cluster: 'main',
    log,
  });
  const claimed = await store.acquirePartitions([0]);
  await store.close();
  expect(claimed.get(0)).toEqual({ storedTo: 100, streams: [['a', 7]] });
  const kinds = replica.statements.map((statement) => /^\S+ \S+/.exec(statement)?.[0]);
  // The epoch derives from what all servers know; it is read once all know it and no insert runs anymore.
  expect(kinds).toEqual([
    'SYSTEM SYNC',
    'INSERT INTO',
    'SELECT DISTINCT',
    'SYSTEM SYNC',
    'KILL QUERY',
    'SYSTEM SYNC',
    'SYSTEM SYNC',
    'SELECT transport_partition',
  ]);
});

async function startLaggingReplica(): Promise<LaggingReplica> {
  const statements: string[] = [];
  /** Whether it was synchronized since the last epoch was inserted. */
  let synchronized = false;
  const answer = (statement: string): string => {
    if (/^SYSTEM SYNC REPLICA ON CLUSTER \S+ progress\b/.test(statement)) synchronized = true;
    // On another server, the former writer records its stored offset just before it is replaced.
    if (statement.startsWith('INSERT INTO progress')) synchronized = false;
    if (statement.startsWith('SELECT DISTINCT writer')) return '{"writer":"former"}\n';
    if (!statement.startsWith('SELECT transport_partition')) return '';
    const known = synchronized
      ? { storedTo: '100', writingTo: '200', streams: [['a', '7']] }
      : { storedTo: '50', writingTo: '100', streams: [] };
    return `${JSON.stringify({ partition: 0, ownEpoch: '3', isOwn: 1, ...known })}\n`;
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://replica');
      const statement = (searchParams.get('query') ?? body).trim().replaceAll(/\s+/g, ' ');
      statements.push(statement);
      response.end(answer(statement));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, statements, server };
}
