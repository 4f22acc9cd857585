import { readConfiguration } from '@sonde/backbone/configuration/read';
import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { clickHouseOptions, openConfiguredStore } from '@sonde/backbone/store/clickhouse/options';
import { kafkaConnection, kafkaOptions, kafkaTopics } from '@sonde/backbone/transport/kafka/options';
import type { KafkaRoute } from './pipe.js';

/** What of `sonde up` is elsewhere; how to reach it otherwise is said in the environment, as services are told. */
export interface ElsewhereOptions {
  /** Brokers, separated by commas. */
  readonly kafka?: string;
  /** Addresses of servers, separated by commas. */
  readonly clickhouse?: string;
}

export interface Elsewhere {
  readonly kafka: KafkaRoute | undefined;
  /** Opens the store that is elsewhere; absent if it is in this process. */
  readonly openStore?: (log: Logger) => FlowStore;
}

/**
 * Reads where Kafka and ClickHouse are, if they are to be used.
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
