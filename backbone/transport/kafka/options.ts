import { readFileSync } from 'node:fs';
import type { Configuration, OptionDeclaration } from '../../configuration/option.js';
import type { KafkaConnection, KafkaCredentials } from './connection.js';
import { DEFAULT_PREFIX, defaultTopics, type TopicSettings } from './topics.js';

/** Settings of the connection to Kafka. */
export const kafkaOptions = [
  {
    key: 'kafka.brokers',
    type: 'strings',
    format: 'host:port',
    required: true,
    description: 'Bootstrap brokers as `host:port`',
  },
  {
    key: 'kafka.tls',
    type: 'boolean',
    default: false,
    description: 'Encrypts connections to brokers with TLS',
  },
  {
    key: 'kafka.caFile',
    type: 'file',
    needs: ['kafka.tls'],
    description: "CA certificates that sign the brokers' certificates (PEM); default: the system's",
  },
  {
    key: 'kafka.certificateFile',
    type: 'file',
    needs: ['kafka.tls', 'kafka.keyFile'],
    description: 'Client certificate (PEM)',
  },
  {
    key: 'kafka.keyFile',
    type: 'file',
    needs: ['kafka.certificateFile'],
    description: 'Key of the client certificate (PEM)',
  },
  {
    key: 'kafka.saslMechanism',
    type: 'string',
    values: ['plain', 'scram-sha-256', 'scram-sha-512'],
    needs: ['kafka.saslUsername', 'kafka.saslPassword'],
    description: 'SASL mechanism; without it, the client does not authenticate',
  },
  {
    key: 'kafka.saslUsername',
    type: 'string',
    needs: ['kafka.saslMechanism'],
    description: 'SASL user name',
  },
  {
    key: 'kafka.saslPassword',
    type: 'secret',
    needs: ['kafka.saslMechanism'],
    description: 'SASL password',
  },
  {
    key: 'kafka.prefix',
    type: 'string',
    default: DEFAULT_PREFIX,
    description:
      'Prefix of topic names, consumer groups and transactional IDs; the same for collectors and enrichers',
  },
  {
    key: 'kafka.createTopics',
    type: 'boolean',
    default: true,
    description: 'Creates missing topics with the next three settings',
  },
  {
    key: 'kafka.partitions',
    type: 'integer',
    default: defaultTopics.partitions,
    min: 1,
    max: 4096,
    description: 'Number of partitions of new topics; limits how many enrichers share the work',
  },
  {
    key: 'kafka.replicationFactor',
    type: 'integer',
    min: 1,
    max: 32,
    description: "Replication factor of new topics; default: the cluster's",
  },
  {
    key: 'kafka.retention',
    type: 'duration',
    default: '24h',
    min: '1h',
    max: '365d',
    description: 'Retention of new topics; enrichers and the store can be down this long without loss',
  },
] as const satisfies readonly OptionDeclaration[];

type KafkaConfiguration = Configuration<(typeof kafkaOptions)[number]>;

/**
 * The Kafka connection of a configuration.
 * @throws Error if a TLS file cannot be read.
 */
export function kafkaConnection(configuration: KafkaConfiguration, clientId: string): KafkaConnection {
  return {
    brokers: configuration['kafka.brokers'],
    clientId,
    tls: configuration['kafka.tls'] ? tlsFiles(configuration) : undefined,
    sasl: credentials(configuration),
    prefix: configuration['kafka.prefix'],
  };
}

/** The topics to create; undefined if they must exist. */
export function kafkaTopics(configuration: KafkaConfiguration): TopicSettings | undefined {
  if (!configuration['kafka.createTopics']) return undefined;
  return {
    partitions: configuration['kafka.partitions'],
    replicas: configuration['kafka.replicationFactor'],
    retentionHours: configuration['kafka.retention'] / 3_600_000,
  };
}

function tlsFiles(configuration: KafkaConfiguration) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const ca = read(configuration['kafka.caFile']);
  const cert = read(configuration['kafka.certificateFile']);
  const key = read(configuration['kafka.keyFile']);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function credentials(configuration: KafkaConfiguration): KafkaCredentials | undefined {
  const mechanism = configuration['kafka.saslMechanism'];
  if (mechanism === undefined) return undefined;
  return {
    // One of the declared values.
    mechanism: mechanism as KafkaCredentials['mechanism'],
    username: configuration['kafka.saslUsername'] ?? '',
    password: configuration['kafka.saslPassword'] ?? '',
  };
}
