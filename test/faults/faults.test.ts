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

/** The long form, `npm run soak`, does what the short one does, more often and for longer. */
const isSoak = process.env['SONDE_SOAK'] === '1';
const KILLS = isSoak ? 20 : 2;
const SERVER_KILLS = isSoak ? 20 : 1;
/** Each round meets each fault once a table. */
const FAULT_ROUNDS = isSoak ? 7 : 1;
/** Of a window, of which each of three nodes has seven a second. */
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

/** Some time under load, of random length, so that faults meet every moment of the work. */
async function aMoment(maxMs = 400): Promise<void> {
  await delay(Math.random() * maxMs);
}

/** How long a killed server is away: the first time for long. */
function awayFor(kill: number): Promise<void> {
  return kill === 0 ? delay(AWAY_MS) : aMoment();
}

describe('no flow is lost or doubled', { timeout: TIMEOUT_MS }, () => {
  it(`when enrichers are killed, ${KILLS} times`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      await aMoment();
      await enrichers.shift()?.end('SIGKILL');
      enrichers.push(stack.startEnricher());
      await stack.untilSafe(3);
      // Only then it has been noticed, and others work on what it had.
      expect(await stack.untilStored()).toEqual(nothingAmiss);
    }
  });

  it(`when all enrichers are killed while one inserts, ${KILLS} times`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const inserts = ['flows', 'dns', 'progress'].map((table) => `INSERT INTO ${table}`);
      // ClickHouse hears of it when whoever sent it is gone: before others take over, or after.
      const delayMs = 300 + Math.random() * 8_000;
      await stack.untilMet({ kind: 'slow', delayMs }, inserts[kill % inserts.length] ?? '');
      await Promise.all(enrichers.splice(0).map((enricher) => enricher.end('SIGKILL')));
      enrichers = [stack.startEnricher(), stack.startEnricher()];
      expect(await stack.untilStored()).toEqual(nothingAmiss);
    }
  });

  it('when an enricher stands still until others have taken over, and then goes on', async () => {
    const [sleeper] = enrichers;
    sleeper?.signal('SIGSTOP');
    await stack.untilSafe(3);
    // Its session ends, the other one stores what it had; only then it wakes in the middle of its work.
    expect(await stack.untilStored()).toEqual(nothingAmiss);
    sleeper?.signal('SIGCONT');
    await stack.untilSafe(3);
    expect(await stack.untilStored()).toEqual(nothingAmiss);
  });

  it('when a third enricher comes, and one goes', async () => {
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

  it.skipIf(givenBrokers)('but what is counted, when the broker is away until a spool is full', async () => {
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
  });

  it('when ClickHouse refuses, is slow, is cut off, does not answer, and has too much to do', async () => {
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

  it('when Kafka has messages twice, and other enrichers read them the second time', async () => {
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

  it("when a node's clock jumps by days, forth and back", async () => {
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
  'a message that cannot be read is put aside, and those of later versions are read',
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
