import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../logging.js';
import { KafkaSession } from './session.js';

const log = createLogger('test', 'silent');

let server: Server;
let accepted: Socket[];

/** A broker that takes connections and never says a word. */
beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => accepted.push(socket.on('error', () => undefined).resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
});

function newSession(): KafkaSession {
  const { port } = server.address() as AddressInfo;
  return new KafkaSession({ brokers: [`127.0.0.1:${port}`], clientId: 'test' }, log);
}

it('what takes too long is said to, though the client still waits', async () => {
  const session = newSession();
  const admin = session.admin();
  await expect(session.within(50, admin.connect())).rejects.toThrow('within 0.05 s');
  await session.end();
});

it('what is waited for is over when the session is', async () => {
  const session = newSession();
  const waiting = session.within(Infinity, session.admin().connect());
  session.fail(new Error('the group has gone'));
  await expect(waiting).rejects.toThrow('the group has gone');
  await expect(session.within(Infinity, Promise.resolve('late'))).rejects.toThrow('the group has gone');
  expect((await session.over).message).toBe('the group has gone');
  await session.end();
});

it('ends its connections within a bound, though the broker never answers', async () => {
  const session = newSession();
  const connecting = session.admin().connect();
  const settled = connecting.then(
    () => 'connected',
    () => 'failed',
  );
  await expect.poll(() => accepted.length).toBe(1);
  await session.end();
  await expect.poll(() => accepted.every(({ closed }) => closed)).toBe(true);
  expect(await settled).toBe('failed');
}, 20_000);

it('a client that was still trying to connect when its session ended leaves no connection', async () => {
  const { port } = server.address() as AddressInfo;
  server.close();
  const session = new KafkaSession({ brokers: [`127.0.0.1:${port}`], clientId: 'test' }, log);
  const connecting = session.admin().connect();
  await session.end();
  server.listen(port, '127.0.0.1');
  await expect(connecting).rejects.toThrow();
  expect(accepted).toEqual([]);
}, 20_000);
