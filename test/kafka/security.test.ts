import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import type { KafkaConnection, KafkaCredentials } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { batchOf } from '../builders/batch.js';
import { buildCertificate } from '../builders/certificate.js';
import { observedFlows } from '../builders/observed-flows.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { startTestBroker, type TestBroker } from './broker.js';
import { startEnricher } from './consume.js';
import { FakeStore } from './fake-store.js';

const log = createLogger('test', process.env['SONDE_TEST_LOG'] ?? 'silent');
const SOON_MS = 60_000;

const right: Record<'plain' | 'scram', KafkaCredentials> = {
  plain: { mechanism: 'plain', username: 'collector', password: 'plain-secret' },
  scram: { mechanism: 'scram-sha-512', username: 'enricher', password: 'scram-secret' },
};

describe('a broker with TLS and users', { timeout: 120_000 }, () => {
  let directory: string;
  let broker: TestBroker;
  let authority: string;
  beforeAll(async () => {
    directory = temporaryDirectory('tls');
    const { certificate, key } = buildCertificate('broker');
    authority = certificate;
    // Kafka reads the key and the certificate from one file.
    const certificateFile = path.join(directory, 'broker.pem');
    await writeFile(certificateFile, key + certificate);
    broker = await startTestBroker(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], {
      certificateFile,
      plainUsers: { collector: right.plain.password },
      scramUsers: { enricher: right.scram.password },
    });
  }, 300_000);
  afterAll(async () => {
    await broker.remove();
  });

  it.each<[string, number, Partial<KafkaConnection>]>([
    ['TLS', 1, { tls: {} }],
    ['SASL PLAIN', 2, { sasl: right.plain }],
    ['SASL SCRAM', 2, { sasl: right.scram }],
    ['TLS and SASL SCRAM', 3, { tls: {}, sasl: right.scram }],
  ])('takes and gives flows over %s', async (name, listener, how) => {
    const connection = connectionTo(listener, how);
    const spool = path.join(directory, name);
    const publisher = await createSpooledPublisher(
      createKafkaPublisher({ connection, topics: { partitions: 1, retentionHours: 1 }, log }),
      { directory: spool, maxBytes: 2 ** 20, log },
    );
    await publisher.publish(batchOf(observedFlows([{}]), { node: name }));
    const store = new FakeStore();
    const enricher = startEnricher({ name, connection, store, partitions: 1 });
    await eventually(() => expect(store.stored.get(`${name}/0`)).toBe(1), SOON_MS);
    await enricher.stop();
    await publisher.close(0);
  });

  it('rejects a wrong password, and the enricher reports it and exits instead of retrying forever', async () => {
    const sasl = { ...right.plain, password: 'wrong' };
    const enricher = startEnricher({
      name: 'stranger',
      connection: connectionTo(2, { sasl }),
      store: new FakeStore(),
      partitions: 1,
    });
    await expect(enricher.ended).rejects.toThrow(/Authentication failed/);
  });

  it('is rejected if no trusted authority signed its certificate', async () => {
    const connection = { brokers: [broker.addresses[1] ?? ''], clientId: 'test', tls: {} };
    const sink = createKafkaPublisher({ connection, log });
    await expect(sink.open('stream')).rejects.toThrow(/self-signed certificate/);
    await sink.close();
  });

  function connectionTo(listener: number, { tls, sasl }: Partial<KafkaConnection>): KafkaConnection {
    return {
      brokers: [broker.addresses[listener] ?? ''],
      clientId: 'test',
      prefix: broker.prefix,
      ...(tls && { tls: { ...tls, ca: authority } }),
      ...(sasl && { sasl }),
    };
  }
});
