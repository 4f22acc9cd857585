import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { createLogger } from '@sonde/backbone/logging';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { observedDns } from '../builders/dns.js';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { expect, it } from 'vitest';
import { useTestKafka } from './broker.js';

const root = path.resolve(import.meta.dirname, '../..');
/** Debian's Python, which finds Debian's packages. */
const PYTHON = '/usr/bin/python3';
const missing = whatIsMissing();
if (missing !== undefined) console.log(`test/kafka/python-reader.test.ts is skipped: ${missing}`);

it.skipIf(missing !== undefined)(
  'the Python program of docs/kafka-topics.md reads flows and lookups as they were published',
  { timeout: 400_000 },
  async () => {
    const kafka = await useTestKafka();
    const directory = temporaryDirectory('python');
    try {
      const log = createLogger('test', 'silent');
      const sink = createKafkaPublisher({
        connection: { brokers: kafka.addresses, clientId: 'test', prefix: kafka.prefix },
        topics: { partitions: 1, retentionHours: 1 },
        log,
      });
      const publisher = await createSpooledPublisher(sink, { directory, maxBytes: 2 ** 20, log });
      const flows = observedFlows([
        {
          src_ip: '10.0.0.1',
          dst_ip: '2001:db8::1',
          src_port: 40_000,
          bytes_out: 2 ** 40,
          src_process: 'java',
        },
        { src_ip: '10.0.0.2', dst_ip: '2001:db8::1', src_port: 40_007, bytes_out: 12, src_process: 'größe' },
      ]);
      const dns = observedDns([{ query_name: 'api.example', src_ip: '10.0.0.1', rcode: 'NXDOMAIN' }]);
      await publisher.publish(batchOf(flows, { cluster: 'production', node: 'node-7', dns }));
      await publisher.close(60_000);

      const proto = path.join(root, 'model/batch/wire');
      await promisify(execFile)('protoc', [
        `--proto_path=${proto}`,
        `--python_out=${directory}`,
        'flow.proto',
      ]);
      const { stdout } = await promisify(execFile)(
        PYTHON,
        [
          path.join(root, 'docs/examples/read_topics.py'),
          kafka.addresses.join(','),
          `${kafka.prefix}flows`,
          '1',
        ],
        { env: { ...process.env, PYTHONPATH: directory }, timeout: 240_000 },
      );
      const records = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      const common = { cluster: 'production', node: 'node-7' };
      expect(records).toEqual([
        expect.objectContaining({
          ...{ ...common, kind: 'flow', src_ip: '10.0.0.1', dst_ip: '2001:db8::1' },
          ...{ src_port: 40_000, bytes_out: 2 ** 40, src_process: 'java', sampling: 1 },
        }),
        expect.objectContaining({
          src_ip: '10.0.0.2',
          src_port: 40_007,
          bytes_out: 12,
          src_process: 'größe',
        }),
        expect.objectContaining({ ...common, kind: 'dns', query_name: 'api.example', rcode: 3 }),
      ]);
    } finally {
      await kafka.remove();
    }
  },
);

function whatIsMissing(): string | undefined {
  if (spawnSync('protoc', ['--version']).error) return 'protobuf-compiler is not installed';
  const imports = spawnSync(PYTHON, ['-c', 'import google.protobuf, confluent_kafka'], { encoding: 'utf8' });
  return imports.status === 0 ? undefined : `${PYTHON} lacks protobuf or confluent_kafka: ${imports.stderr}`;
}
