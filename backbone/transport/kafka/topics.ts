import type { Admin, ITopicConfig } from 'kafkajs';
import type { KafkaConnection } from './connection.js';

/** The names of Sonde's topics (docs/kafka-topics.md), consumer groups and transactional IDs. */
export interface KafkaNames {
  readonly flows: string;
  readonly dns: string;
  readonly dead: string;
  /** The default consumer group of enrichers. */
  readonly enrichers: string;
  /** The transactional ID of a spool, and the consumer group that has its delivered position. */
  spool(stream: string): string;
}

export function kafkaNames({ prefix = DEFAULT_PREFIX }: Pick<KafkaConnection, 'prefix'>): KafkaNames {
  return {
    flows: `${prefix}flows`,
    dns: `${prefix}dns`,
    dead: `${prefix}dead`,
    enrichers: `${prefix}enrichers`,
    spool: (stream) => `${prefix}spool.${stream}`,
  };
}

export const DEFAULT_PREFIX = 'sonde.';

/** How often clients look for added partitions and moved leaders; kafkajs' default of five minutes is too long. */
export const METADATA_MAX_AGE_MS = 20_000;

export interface TopicSettings {
  /** Number of partitions; limits how many enrichers share the work. */
  readonly partitions: number;
  /** Replication factor; the cluster's default if absent. */
  readonly replicas?: number | undefined;
  /** How long messages are kept, and so how long enrichers and the store can be down without loss. */
  readonly retentionHours: number;
}

export const defaultTopics: TopicSettings = { partitions: 12, retentionHours: 24 };

/** Maximum size of a record batch. The brokers' default is 1 MiB. */
const MAX_MESSAGE_BYTES = 8 * 2 ** 20;

/** Retention of the dead-letter topic. */
const DEAD_RETENTION_HOURS = 24 * 7;

/**
 * Creates missing topics. Existing topics are not changed.
 * @throws kafkajs' errors, for example if the user is not authorized to create topics.
 */
export async function createTopics(admin: Admin, names: KafkaNames, settings: TopicSettings): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const wanted = [
    topic(names.flows, settings),
    topic(names.dns, settings),
    topic(names.dead, { ...settings, partitions: 1, retentionHours: DEAD_RETENTION_HOURS }),
  ];
  const missing = wanted.filter(({ topic }) => !existing.has(topic));
  // If another service is faster, the topic exists and kafkajs returns false.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: true });
}

function topic(name: string, { partitions, replicas, retentionHours }: TopicSettings): ITopicConfig {
  return {
    topic: name,
    numPartitions: partitions,
    // -1: the cluster's default.
    replicationFactor: replicas ?? -1,
    configEntries: [
      { name: 'cleanup.policy', value: 'delete' },
      { name: 'retention.ms', value: String(retentionHours * 3_600_000) },
      { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) },
      // Brokers keep the collectors' compression.
      { name: 'compression.type', value: 'producer' },
    ],
  };
}
