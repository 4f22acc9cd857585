import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../clickhouse/fault-proxy.js';
import type { TestProcess } from './processes.js';
import { Stack } from './stack.js';

/** The long form, `npm run soak`, does what the short one does, more often and for longer. */
const isSoak = process.env['SONDE_SOAK'] === '1';
const KILLS = isSoak ? 20 : 2;
const AWAY_MS = isSoak ? 60_000 : 3_000;
const TIMEOUT_MS = isSoak ? 1_200_000 : 180_000;

const nothingAmiss = { missing: [], wrong: [] };
const nodes = ['node-a', 'node-b', 'node-c'];

let stack: Stack;
let enrichers: TestProcess[];

beforeAll(async () => {
  stack = await Stack.start();
  for (const node of nodes) await stack.startCollector(node);
  enrichers = [stack.startEnricher(), stack.startEnricher()];
  await stack.untilSafe(3);
  expect(await stack.untilStored()).toEqual(nothingAmiss);
}, 240_000);

afterAll(() => stack.end(), 60_000);

/** Some time under load, of random length, so that faults meet every moment of the work. */
async function aMoment(longestMs = 400): Promise<void> {
  await delay(Math.random() * longestMs);
}

describe('no flow is lost or doubled', { timeout: TIMEOUT_MS }, () => {
  it(`when enrichers are killed, ${KILLS} times`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      await aMoment();
      await enrichers.shift()?.end('SIGKILL');
      enrichers.push(stack.startEnricher());
      await stack.untilSafe(3);
    }
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });
});
