import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ClickHouseServers } from '@sonde/backbone/store/clickhouse/servers';
import { expect, it } from 'vitest';

/** A server that keeps idle connections for 3 s, in a thread of its own: it must go on while this one is busy. */
const server = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:http').createServer((request, response) => {
    request.resume().once('end', () => response.end());
  });
  server.keepAliveTimeout = 3_000;
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
const BUSY_MS = 4_500;

it('a statement goes over a connection that the server still has, however long this process was busy', async () => {
  const worker = new Worker(server, { eval: true });
  try {
    const [port] = (await once(worker, 'message')) as [number];
    const clickHouse = new ClickHouseServers({
      urls: [`http://127.0.0.1:${port}`],
      database: 'default',
      username: 'default',
      password: '',
    });
    await clickHouse.command({ sql: 'SELECT 1' });
    // Its connection is free only then.
    await setImmediate();
    const second = clickHouse.command({ sql: 'SELECT 2' });
    // The client has checked what was idle, and has not yet taken a connection.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    // Nothing runs meanwhile, neither timers nor what tells of closed connections.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS);
    await expect(second).resolves.toBeUndefined();
    await clickHouse.close();
  } finally {
    await worker.terminate();
  }
});
