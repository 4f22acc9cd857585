import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { stopIdlePolling } from './empty-queues.js';

interface Request {
  readonly entry: { correlationId: number; apiName: string; resolve: () => void; reject: () => void };
  readonly expectResponse: boolean;
  readonly sendRequest: () => void;
}

interface Queue {
  throttleCheckTimeoutId: unknown;
  push(request: Request): void;
  fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void;
  maybeThrottle(ms: number): void;
}

const logger = { debug: () => undefined, warn: () => undefined };

function newQueue(maxInFlightRequests: number): Queue {
  stopIdlePolling();
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as new (
    options: object,
  ) => Queue;
  const options = { requestTimeout: 1_000, enforceRequestTimeout: false, clientId: 'test', broker: 'test' };
  return new RequestQueue({
    ...{ ...options, maxInFlightRequests, logger },
    instrumentationEmitter: new EventEmitter(),
  });
}

function request(correlationId: number, sent: number[]): Request {
  return {
    entry: { correlationId, apiName: 'Test', resolve: () => undefined, reject: () => undefined },
    expectResponse: true,
    sendRequest: () => sent.push(correlationId),
  };
}

it('does not poll a connection without pending requests', async () => {
  const queue = newQueue(1);
  queue.push(request(1, []));
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  await delay(20);
  expect(queue.throttleCheckTimeoutId).toBeNull();
});

it('sends a request that waits for another one when that gets its response', () => {
  const queue = newQueue(1);
  const sent: number[] = [];
  queue.push(request(1, sent));
  queue.push(request(2, sent));
  expect(sent).toEqual([1]);
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  expect(sent).toEqual([1, 2]);
});

it('sends a request that waits for the end of a throttle time when that is over', async () => {
  const queue = newQueue(10);
  const sent: number[] = [];
  queue.maybeThrottle(50);
  queue.push(request(1, sent));
  expect(sent).toEqual([]);
  await expect.poll(() => sent).toEqual([1]);
});
