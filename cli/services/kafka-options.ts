import { readFileSync } from 'node:fs';
import type { Configuration, OptionDeclaration } from '@sonde/backbone/configuration/option';
import type { KafkaConnection, KafkaCredentials } from '@sonde/backbone/transport/kafka/connection';
import { DEFAULT_PREFIX, defaultTopics, type TopicSettings } from '@sonde/backbone/transport/kafka/topics';

/** How a service reaches Kafka. */
export const kafkaOptions = [
  {
    key: 'kafka.brokers',
    type: 'texts',
    form: 'host:port',
    required: true,
    description: '`host:port` of some brokers; they tell of the others',
  },
  {
    key: 'kafka.tls',
    type: 'boolean',
    default: false,
    description: 'Whether connections to brokers are encrypted',
  },
  {
    key: 'kafka.caFile',
    type: 'file',
    needs: ['kafka.tls'],
    description: "The authorities that brokers' certificates are from, in PEM; else the system's",
  },
  {
    key: 'kafka.certificateFile',
    type: 'file',
    needs: ['kafka.tls', 'kafka.keyFile'],
    description: "This client's certificate, in PEM",
  },
  {
    key: 'kafka.keyFile',
    type: 'file',
    needs: ['kafka.certificateFile'],
    description: "The key of this client's certificate, in PEM",
  },
  {
    key: 'kafka.mechanism',
    type: 'text',
    values: ['plain', 'scram-sha-256', 'scram-sha-512'],
    needs: ['kafka.username', 'kafka.password'],
    description:
      'How `kafka.username` and `kafka.password` are told to brokers (SASL); without it they are not',
  },
  {
    key: 'kafka.username',
    type: 'text',
    needs: ['kafka.mechanism'],
    description: 'Who to be at the brokers',
  },
  {
    key: 'kafka.password',
    type: 'secret',
    needs: ['kafka.mechanism'],
    description: 'The password of `kafka.username`',
  },
  {
    key: 'kafka.prefix',
    type: 'text',
    default: DEFAULT_PREFIX,
    description:
      'What the names of topics, groups and transactional ids begin with; the same for collectors and enrichers',
  },
  {
    key: 'kafka.createTopics',
    type: 'boolean',
    default: true,
    description: 'Whether topics that are missing are made, as the next three say',
  },
  {
    key: 'kafka.partitions',
    type: 'integer',
    default: defaultTopics.partitions,
    least: 1,
    most: 4096,
    description: 'Partitions of new topics: no more enrichers than this share the work',
  },
  {
    key: 'kafka.replicas',
    type: 'integer',
    least: 1,
    most: 32,
    description: "Brokers that each partition of new topics lies on; else the cluster's default",
  },
  {
    key: 'kafka.retentionHours',
    type: 'integer',
    default: defaultTopics.retentionHours,
    least: 1,
    most: 8760,
    description: 'How long new topics keep messages, and so how long enrichers or the store may be away',
  },
] as const satisfies readonly OptionDeclaration[];

type KafkaConfiguration = Configuration<(typeof kafkaOptions)[number]>;

/** @throws Error if a TLS file cannot be read. */
export function kafkaConnection(configuration: KafkaConfiguration, clientId: string): KafkaConnection {
  return {
    brokers: configuration['kafka.brokers'],
    clientId,
    tls: configuration['kafka.tls'] ? tlsFiles(configuration) : undefined,
    sasl: credentials(configuration),
    prefix: configuration['kafka.prefix'],
  };
}

/** The topics to make; undefined if they must be there. */
export function kafkaTopics(configuration: KafkaConfiguration): TopicSettings | undefined {
  if (!configuration['kafka.createTopics']) return undefined;
  return {
    partitions: configuration['kafka.partitions'],
    replicas: configuration['kafka.replicas'],
    retentionHours: configuration['kafka.retentionHours'],
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
  const mechanism = configuration['kafka.mechanism'];
  if (mechanism === undefined) return undefined;
  return {
    // One of the declared values.
    mechanism: mechanism as KafkaCredentials['mechanism'],
    username: configuration['kafka.username'] ?? '',
    password: configuration['kafka.password'] ?? '',
  };
}
