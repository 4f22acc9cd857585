import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../../logging.js';
import { KafkaSession } from './session.js';

const log = createLogger('test', 'silent');

let server: Server;
let accepted: Socket[];

/** A fake broker that accepts connections and never responds. */
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

it('a wait fails after its timeout although the client still waits', async () => {
  const session = newSession();
  const admin = session.admin();
  await expect(session.within(50, admin.connect())).rejects.toThrow('within 0.05 s');
  await session.end();
});

it('a wait fails when the session does', async () => {
  const session = newSession();
  const waiting = session.within(Infinity, session.admin().connect());
  session.fail(new Error('the group is gone'));
  await expect(waiting).rejects.toThrow('the group is gone');
  await expect(session.within(Infinity, Promise.resolve('late'))).rejects.toThrow('the group is gone');
  expect((await session.over).message).toBe('the group is gone');
  await session.end();
});

it('closes its connections within a bounded time although the broker never responds', async () => {
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

it('a client that was still connecting when its session ended leaves no connection', async () => {
  const { port } = server.address() as AddressInfo;
  server.close();
  const session = new KafkaSession({ brokers: [`127.0.0.1:${port}`], clientId: 'test' }, log);
  const connecting = session.admin().connect();
  await session.end();
  server.listen(port, '127.0.0.1');
  await expect(connecting).rejects.toThrow();
  expect(accepted).toEqual([]);
}, 20_000);

it('fails when the system clock is set back, but not when it is set forward', async () => {
  const session = newSession();
  let endedBy: Error | undefined;
  void session.over.then((reason) => (endedBy = reason));
  const now = Date.now.bind(Date);
  const clock = vi.spyOn(Date, 'now');
  try {
    clock.mockImplementation(() => now() + 7_200_000);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(endedBy).toBeUndefined();
    clock.mockImplementation(() => now() + 3_600_000);
    expect((await session.over).message).toBe('the system clock was set back by 3600 s');
  } finally {
    clock.mockRestore();
    await session.end();
  }
});
