import { readConfiguration } from '@sonde/backbone/configuration/read';
import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { clickHouseOptions, openConfiguredStore } from '@sonde/backbone/store/clickhouse/options';
import { kafkaConnection, kafkaOptions, kafkaTopics } from '@sonde/backbone/transport/kafka/options';
import type { KafkaRoute } from './pipe.js';

/** External services of `sonde up`; other settings of them are read from the environment. */
export interface ElsewhereOptions {
  /** Comma-separated brokers. */
  readonly kafka?: string;
  /** Comma-separated URLs of servers. */
  readonly clickhouse?: string;
}

export interface Elsewhere {
  readonly kafka: KafkaRoute | undefined;
  /** Opens the external store; absent for the embedded one. */
  readonly openStore?: (log: Logger) => FlowStore;
}

/**
 * Reads the settings of Kafka and ClickHouse, if they are used.
 * @throws ConfigurationError with everything that is wrong.
 */
export function readElsewhere({ kafka, clickhouse }: ElsewhereOptions, spoolDirectory: string): Elsewhere {
  return {
    kafka: kafka === undefined ? undefined : readKafka(kafka, spoolDirectory),
    ...(clickhouse !== undefined && { openStore: readClickHouse(clickhouse) }),
  };
}

function readKafka(brokers: string, spoolDirectory: string): KafkaRoute {
  const flags = { 'kafka-brokers': brokers };
  const configuration = readConfiguration(kafkaOptions, { environment: process.env, flags });
  return {
    connection: kafkaConnection(configuration, 'sonde-up'),
    topics: kafkaTopics(configuration),
    spoolDirectory,
  };
}

function readClickHouse(urls: string): (log: Logger) => FlowStore {
  const flags = { 'clickhouse-urls': urls };
  const configuration = readConfiguration(clickHouseOptions, { environment: process.env, flags });
  return (log) => openConfiguredStore(configuration, log);
}
