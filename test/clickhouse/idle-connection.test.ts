import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ClickHouseServers } from '@sonde/backbone/store/clickhouse/servers';
import { expect, it } from 'vitest';

/** A server that keeps idle connections for 3 s, in its own thread so that it runs while this one is busy. */
const server = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:http').createServer((request, response) => {
    request.resume().once('end', () => response.end());
  });
  server.keepAliveTimeout = 3_000;
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
const BUSY_MS = 4_500;

it('does not reuse a connection that the server has closed while this process was busy', async () => {
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
    // The connection becomes idle only then.
    await setImmediate();
    const second = clickHouse.command({ sql: 'SELECT 2' });
    // The client has checked idle connections and has not selected one yet.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    // Blocks the event loop: no timers, no close events.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS);
    await expect(second).resolves.toBeUndefined();
    await clickHouse.close();
  } finally {
    await worker.terminate();
  }
});
