import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type ISocketFactory, type KafkaConfig, type LogEntry } from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import type { Logger } from '../../logging.js';
import { hideAbortedInFetches } from './aborted-transactions.js';
import { stopIdlePolling } from './empty-queues.js';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

/** The connection to a Kafka cluster. */
export interface KafkaConnection {
  /** Bootstrap brokers as `host:port`. */
  readonly brokers: readonly string[];
  /** The client's name in the brokers' logs and quotas. */
  readonly clientId: string;
  /** TLS with Node's options (`ca`, `cert`, `key`, …); without it, connections are not encrypted. */
  readonly tls?: ConnectionOptions | undefined;
  readonly sasl?: KafkaCredentials | undefined;
  /** Prefix of the names of topics, groups and transactional IDs; `sonde.` if absent. */
  readonly prefix?: string | undefined;
}

export interface KafkaCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/**
 * How long kafkajs retries before it reports a failure: short, because callers retry forever and start over cleanly, which
 * kafkajs does not.
 */
export const RETRY = { initialRetryTime: 20, maxRetryTime: 1_000, retries: 8 } as const;

/**
 * A client of a Kafka cluster, with its own sockets or those of `socketFactory`. It logs at level debug: most of its errors
 * are brokers that are unavailable for a moment, and callers report failures themselves.
 */
export function kafkaClient(
  { brokers, clientId, tls, sasl }: KafkaConnection,
  log: Logger,
  socketFactory?: ISocketFactory,
): kafkajs.Kafka {
  hideAbortedInFetches();
  stopIdlePolling();
  // Kafka's LZ4 is the frame format (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md); kafkajs does not implement it.
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
  // The mechanisms have the same fields but separate types. kafkajs writes into the object.
  if (sasl !== undefined) config.sasl = { ...sasl } as NonNullable<KafkaConfig['sasl']>;
  return new Kafka(config);
}

/**
 * Whether brokers rejected the credentials. kafkajs reports a connection that closed during authentication with the same
 * type of error; only the message differs.
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
