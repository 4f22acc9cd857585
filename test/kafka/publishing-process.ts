/**
 * A process for tests to kill: publishes batches through a spool and prints each one's number once it is accepted.
 * Arguments: the connection as JSON, the spool's directory, the first number.
 */
import { writeSync } from 'node:fs';
import { createLogger } from '@sonde/backbone/logging';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';

const [connection = '', directory = '', first = '0'] = process.argv.slice(2);
const log = createLogger('publishing-process', 'error');
const sink = createKafkaPublisher({
  connection: JSON.parse(connection) as KafkaConnection,
  topics: { partitions: 3, retentionHours: 1 },
  log,
});
const publisher = await createSpooledPublisher(sink, { directory, maxBytes: 2 ** 26, log });
for (let sequence = Number(first); ; sequence++) {
  await publisher.publish(
    batchOf(observedFlows([{ src_port: sequence % 65_536 }]), { node: 'killed', sequence }),
  );
  writeSync(1, `${sequence}\n`);
}
