import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../clickhouse/fault-proxy.js';
import { eventually } from '../eventually.js';
import { givenBrokers } from '../kafka/broker.js';
import { compare } from './ledger.js';
import {
  deadMessages,
  messageOfOneFlow,
  ofLaterSchema,
  repeatMessages,
  sendMessages,
  withUnknownField,
} from './messages.js';
import type { TestProcess } from './processes.js';
import { givenClickHouse, Stack } from './stack.js';

/** `npm run soak` repeats the same faults more often and for longer. */
const isSoak = process.env['SONDE_SOAK'] === '1';
const KILLS = isSoak ? 20 : 2;
const SERVER_KILLS = isSoak ? 20 : 1;
/** Each round injects each fault once per table. */
const FAULT_ROUNDS = isSoak ? 7 : 1;
/** Rows of a window; each of three nodes has seven windows a second. */
const ROWS = isSoak ? 500 : 100;
const AWAY_MS = isSoak ? 60_000 : 2_000;
const TIMEOUT_MS = isSoak ? 3_600_000 : 900_000;

const nothingAmiss = { missing: [], missingRows: 0, wrong: [] };
const nodes = ['node-a', 'node-b', 'node-c'];

let stack: Stack;
let enrichers: TestProcess[];

beforeAll(async () => {
  stack = await Stack.start();
  for (const node of nodes) await stack.startCollector(node, { rowsPerWindow: ROWS });
  enrichers = [stack.startEnricher(), stack.startEnricher()];
  await stack.untilSafe(3);
  expect(await stack.untilStored()).toEqual(nothingAmiss);
}, TIMEOUT_MS);

afterAll(() => stack.end(), TIMEOUT_MS);

/** A random time under load, so that faults occur at any moment. */
async function aMoment(maxMs = 400): Promise<void> {
  await delay(Math.random() * maxMs);
}

/** How long a killed server is down: longest the first time. */
function awayFor(kill: number): Promise<void> {
  return kill === 0 ? delay(AWAY_MS) : aMoment();
}

describe('no flow is lost or duplicated', { timeout: TIMEOUT_MS }, () => {
  it(`when enrichers are killed, ${KILLS} times`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      await aMoment();
      await enrichers.shift()?.end('SIGKILL');
      enrichers.push(stack.startEnricher());
      await stack.untilSafe(3);
      // Only then was its failure noticed and its partitions reassigned.
      expect(await stack.untilStored()).toEqual(nothingAmiss);
    }
  });

  it(`when all enrichers are killed while one inserts, ${KILLS} times`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const inserts = ['flows', 'dns', 'progress'].map((table) => `INSERT INTO ${table}`);
      // ClickHouse receives it after its sender is gone: before others take over, or afterwards.
      const delayMs = 300 + Math.random() * 8_000;
      await stack.untilMet({ kind: 'slow', delayMs }, inserts[kill % inserts.length] ?? '');
      await Promise.all(enrichers.splice(0).map((enricher) => enricher.end('SIGKILL')));
      enrichers = [stack.startEnricher(), stack.startEnricher()];
      expect(await stack.untilStored()).toEqual(nothingAmiss);
    }
  });

  it('when an enricher is stopped until others have taken over, and then continues', async () => {
    const [sleeper] = enrichers;
    sleeper?.signal('SIGSTOP');
    await stack.untilSafe(3);
    // Its session ends and the other one stores its messages; only then does it continue.
    expect(await stack.untilStored()).toEqual(nothingAmiss);
    sleeper?.signal('SIGCONT');
    await stack.untilSafe(3);
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });

  it('when a third enricher starts, and one ends', async () => {
    enrichers.push(stack.startEnricher());
    await stack.untilSafe(6);
    expect(await enrichers.shift()?.end('SIGTERM')).toBe(0);
    await stack.untilSafe(3);
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });

  it(`when collectors are killed, ${KILLS * nodes.length} times`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      for (const node of nodes) {
        await aMoment();
        await stack.crashCollector(node);
      }
      await stack.untilSafe(3);
    }
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });

  it.skipIf(givenBrokers)(
    `when the broker is killed, ${SERVER_KILLS} times, first for ${AWAY_MS / 1000} s`,
    async () => {
      for (let kill = 0; kill < SERVER_KILLS; kill++) {
        await aMoment();
        await stack.kafka.restart?.('SIGKILL', () => awayFor(kill));
        await stack.untilSafe(3);
      }
      expect(await stack.untilStored()).toEqual(nothingAmiss);
    },
  );

  it.skipIf(givenBrokers)(
    'except what is counted, when the broker is down until a spool is full',
    async () => {
      await stack.kafka.restart?.('SIGKILL', async () => {
        await stack.startCollector('node-full', { maxSpoolBytes: 150_000, windowMs: 1, maxWindows: 300 });
        await stack.untilSafe(300, ['node-full']);
      });
      const lostFlows = await stack.stopCollector('node-full');
      const ledger = stack.takeLedger('node-full');
      await eventually(async () => {
        const { missingRows, wrong } = await compare(ledger, stack.store);
        expect({ missingRows, wrong }).toEqual({ missingRows: lostFlows, wrong: [] });
      }, 300_000);
      expect(lostFlows).toBeGreaterThan(0);
      expect(lostFlows).toBeLessThan(ledger.safeRows);
      expect(await stack.untilStored()).toEqual(nothingAmiss);
    },
  );

  it('when ClickHouse is slow, overloaded, unreachable, or its connections break', async () => {
    const faults: readonly Fault[] = [
      { kind: 'refused' },
      { kind: 'slow', delayMs: 500 },
      { kind: 'cut' },
      { kind: 'unanswered' },
      { kind: 'error', code: 252, message: 'Too many parts' },
    ];
    for (let round = 0; round < FAULT_ROUNDS; round++) {
      for (const table of ['flows', 'dns', 'progress']) {
        for (const fault of faults) {
          await stack.untilMet(fault, `INSERT INTO ${table}`);
        }
      }
    }
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });

  it.skipIf(givenClickHouse)(
    `when ClickHouse is killed, ${SERVER_KILLS} times, first for ${AWAY_MS / 1000} s`,
    async () => {
      for (let kill = 0; kill < SERVER_KILLS; kill++) {
        await aMoment();
        await stack.crashClickHouse(() => awayFor(kill));
        await stack.untilSafe(3);
      }
      expect(await stack.untilStored()).toEqual(nothingAmiss);
    },
  );

  it('when Kafka has messages twice, and another enricher reads the duplicates', async () => {
    const skippedDuplicates = () =>
      enrichers.filter(({ log }) => log.includes('duplicate message skipped')).length;
    await repeatMessages(stack.kafka, 30);
    await eventually(() => expect(skippedDuplicates()).toBeGreaterThan(0), 300_000);
    await Promise.all(enrichers.splice(0).map((enricher) => enricher.end('SIGKILL')));
    await repeatMessages(stack.kafka, 60);
    enrichers = [stack.startEnricher(), stack.startEnricher()];
    await eventually(() => expect(skippedDuplicates()).toBeGreaterThan(0), 300_000);
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });

  it("when a node's clock jumps by days, forward and back", async () => {
    for (const clockAheadMs of [5, -9].map((days) => days * 86_400_000)) {
      await stack.stopCollector('node-a');
      await stack.startCollector('node-a', { clockAheadMs });
      await stack.untilSafe(3, ['node-a']);
    }
    await stack.stopCollector('node-a');
    await stack.startCollector('node-a', { clockAheadMs: 0 });
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });
});

it(
  'moves a message that cannot be decoded to the dead-letter topic, and decodes messages of later versions',
  { timeout: TIMEOUT_MS },
  async () => {
    const plain = messageOfOneFlow('stranger', 'plain');
    await sendMessages(stack.kafka, [
      Buffer.from('this is no batch of flows'),
      plain,
      ofLaterSchema(messageOfOneFlow('stranger', 'later schema')),
      withUnknownField(messageOfOneFlow('stranger', 'new field')),
    ]);
    const names =
      "SELECT tls_server_name AS name FROM flows WHERE node = 'stranger' ORDER BY transport_offset";
    await expect
      .poll(() => stack.store.query(names), { timeout: 300_000 })
      .toEqual([{ name: 'plain' }, { name: 'new field' }]);
    await expect.poll(() => deadMessages(stack.kafka), { timeout: 300_000 }).toBe(2);
  },
);
