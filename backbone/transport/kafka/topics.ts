import type { Admin, ITopicConfig } from 'kafkajs';
import type { KafkaConnection } from './connection.js';

/** How everything is called that Sonde has in a Kafka cluster; the topics are those of docs/kafka-topics.md. */
export interface KafkaNames {
  readonly flows: string;
  readonly dns: string;
  readonly dead: string;
  /** The consumer group of enrichers, unless another is chosen. */
  readonly enrichers: string;
  /** A spool's transactional id, and the consumer group that holds its position. */
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

export interface TopicSettings {
  /** Over how many partitions flows are spread: no more enrichers than this can share the work. */
  readonly partitions: number;
  /** On how many brokers each partition lies; without it the cluster's default. */
  readonly replicas?: number | undefined;
  /** How long messages stay, and so how long enrichers or the store may be away. */
  readonly retentionHours: number;
}

export const defaultTopics: TopicSettings = { partitions: 12, retentionHours: 24 };

/** The largest record batch that the topics take. Brokers' own limit is 1 MiB unless a topic says otherwise. */
const MAX_MESSAGE_BYTES = 8 * 2 ** 20;

/** How long messages that could not be read are kept for whoever looks into it. */
const DEAD_RETENTION_HOURS = 24 * 7;

/**
 * Creates those of the topics that there are not. Topics that exist stay as they are.
 * @throws kafkajs' errors, for example if this user may not create topics.
 */
export async function createTopics(admin: Admin, names: KafkaNames, settings: TopicSettings): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const wanted = [
    topic(names.flows, settings),
    topic(names.dns, settings),
    topic(names.dead, { ...settings, partitions: 1, retentionHours: DEAD_RETENTION_HOURS }),
  ];
  const missing = wanted.filter(({ topic }) => !existing.has(topic));
  // Another service may be faster: then the topic is there, and kafkajs says false.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: true });
}

function topic(name: string, { partitions, replicas, retentionHours }: TopicSettings): ITopicConfig {
  return {
    topic: name,
    numPartitions: partitions,
    // -1: what the cluster has as default.
    replicationFactor: replicas ?? -1,
    configEntries: [
      { name: 'cleanup.policy', value: 'delete' },
      { name: 'retention.ms', value: String(retentionHours * 3_600_000) },
      { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) },
      // As the collectors compress: brokers need not do it again.
      { name: 'compression.type', value: 'producer' },
    ],
  };
}
