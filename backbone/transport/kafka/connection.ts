import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type ISocketFactory, type KafkaConfig, type LogEntry } from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import type { Logger } from '../../logging.js';
import { hideAbortedInFetches } from './aborted-transactions.js';
import { stopIdlePolling } from './empty-queues.js';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

/** How to reach a Kafka cluster and who to be there. */
export interface KafkaConnection {
  /** `host:port` of some of its brokers; they tell of the others. */
  readonly brokers: readonly string[];
  /** What this client calls itself in the brokers' logs and quotas. */
  readonly clientId: string;
  /** TLS, with Node's options for it (`ca`, `cert`, `key`, …); without it connections are plain. */
  readonly tls?: ConnectionOptions | undefined;
  readonly sasl?: KafkaCredentials | undefined;
  /** What the names of topics, groups and transactional ids begin with; `sonde.` if absent. */
  readonly prefix?: string | undefined;
}

export interface KafkaCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/**
 * How long the client itself tries again before it says that something failed: short, because what calls it tries for
 * ever and starts over cleanly, which the client does not.
 */
export const RETRY = { initialRetryTime: 20, maxRetryTime: 1_000, retries: 8 } as const;

/**
 * A client of a Kafka cluster, with sockets of its own or from `socketFactory`. Its log is for debugging: what it calls
 * an error is mostly a broker that is away for the moment, and whoever calls it tells that in words of their own.
 */
export function kafkaClient(
  { brokers, clientId, tls, sasl }: KafkaConnection,
  log: Logger,
  socketFactory?: ISocketFactory,
): kafkajs.Kafka {
  hideAbortedInFetches();
  stopIdlePolling();
  // Kafka's LZ4 is the frame format (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md); kafkajs brings none.
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }: { readonly buffer: Buffer }) => compressFrame(buffer),
    decompress: decompressFrame,
  });
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => debug(log, entry),
  };
  if (socketFactory !== undefined) config.socketFactory = socketFactory;
  if (tls !== undefined) config.ssl = tls;
  // The same three fields for each of the three mechanisms, which kafkajs declares one by one. It writes into them.
  if (sasl !== undefined) config.sasl = { ...sasl } as NonNullable<KafkaConfig['sasl']>;
  return new Kafka(config);
}

/**
 * Whether the brokers say that our credentials are wrong. kafkajs says it of a connection that ended amid the check,
 * too, and tells the two apart by nothing but its words.
 */
export function isAuthenticationFailure({ name, message }: Error): boolean {
  return (
    name === 'KafkaJSSASLAuthenticationError' &&
    !/closed connection|connection .*closed|connection error|connection timeout|not connected|timed out/i.test(
      message,
    )
  );
}

function debug(log: Logger, { namespace, log: { message, error } }: LogEntry): void {
  log.debug({ client: 'kafka', namespace, error: error as unknown }, message);
}
