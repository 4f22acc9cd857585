import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { eventually } from '../eventually.js';
import { useTestKafka } from './broker.js';
import { startEnricher } from './consume.js';
import { FakeStore } from './fake-store.js';

/** Compiled, because it runs in its own process. */
const program = path.resolve(import.meta.dirname, '../dist/kafka/publishing-process.js');
const KILLS = 12;
const SOON_MS = 120_000;
const log = createLogger('test', 'silent');

it(
  'batches that a collector accepted arrive once, however often it is killed, also together with the broker',
  { timeout: 400_000 },
  async () => {
    const kafka = await useTestKafka();
    const directory = temporaryDirectory('killed');
    try {
      const connection = { brokers: kafka.addresses, clientId: 'test', prefix: kafka.prefix };
      const spool = path.join(directory, 'spool');
      const accepted = new Set<number>();
      for (let run = 0; run < KILLS; run++) {
        // Each run has its own numbers: a batch accepted just before a kill may not have been printed.
        const arguments_ = [program, JSON.stringify(connection), spool, String(run * 1_000_000)];
        const collector = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
        let output = '';
        collector.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
        const ended = once(collector, 'close');
        await eventually(() => expect(output.length).toBeGreaterThan(0), SOON_MS);
        // Kills at different moments of connecting and sending.
        await delay(run * 150);
        if (run === KILLS / 2) await kafka.restart?.('SIGKILL');
        collector.kill('SIGKILL');
        await ended;
        for (const line of output.split('\n').slice(0, -1)) accepted.add(Number(line));
      }

      const publisher = await createSpooledPublisher(createKafkaPublisher({ connection, log }), {
        ...{ directory: spool, maxBytes: 2 ** 26, log },
      });
      await eventually(() => expect(publisher.waiting).toBe(0), SOON_MS);
      await publisher.close(0);

      const store = new FakeStore();
      const enricher = startEnricher({ name: 'reader', connection, store, partitions: 3 });
      const last = Math.max(...accepted);
      await eventually(() => expect(store.stored.has(`killed/${last}`)).toBe(true), SOON_MS);
      await enricher.stop();
      const order = store.order.get('killed') ?? [];
      expect(accepted.size).toBeGreaterThan(KILLS);
      const arrived = new Set(order);
      expect([...accepted].filter((one) => !arrived.has(one))).toEqual([]);
      expect(order).toEqual([...arrived].sort((a, b) => a - b));
    } finally {
      await kafka.remove();
    }
  },
);
