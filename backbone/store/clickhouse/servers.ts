import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { toStoreError } from '../sql/engine-error.js';
import { StoreError } from '../store.js';

export interface ClickHouseConnection {
  /** HTTP URLs of servers with the same data; one is used until it fails, then the next. */
  readonly urls: readonly string[];
  readonly database: string;
  readonly username: string;
  readonly password: string;
  readonly tls?: TlsFiles;
  /** Maximum number of concurrent requests to a server; others wait. */
  readonly maxConnections?: number;
  /** Timeout of a request without progress, in ms. */
  readonly requestTimeoutMs?: number;
  /** Compresses requests and responses with gzip; for remote servers. */
  readonly compression?: boolean;
}

/** PEM files: certificate authorities to trust, and the client's certificate and key. */
export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** A statement and what is sent with it. */
export interface Statement {
  readonly sql: string;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /** The data of an INSERT. */
  readonly body?: Readable | undefined;
  readonly queryId?: string | undefined;
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_MAX_CONNECTIONS = 10;
const REQUEST_TIMEOUT_MS = 60_000;

/**
 * Maximum idle time of a connection: less than the servers' timeout, which is 3 s before ClickHouse 23.11 and 10 s since
 * (https://clickhouse.com/docs/operations/server-configuration-parameters/settings#keep_alive_timeout).
 */
const MAX_IDLE_MS = 2_500;

/** Number of attempts for a statement that only reads, and the delay before the second one. */
const READ_ATTEMPTS = 3;
const FIRST_RETRY_MS = 100;

/** TOO_MANY_SIMULTANEOUS_QUERIES: the server has not started the query. */
const TOO_MANY_SIMULTANEOUS_QUERIES = 202;

/** Clients of one or several servers; one is used at a time. */
export class ClickHouseServers {
  readonly #clients: readonly ClickHouseClient[];
  #current = 0;

  /** @throws StoreError if a URL is invalid or a TLS file cannot be read. */
  constructor(connection: ClickHouseConnection) {
    try {
      this.#clients = connection.urls.map((url) => connect(url, connection));
    } catch (error) {
      throw new StoreError(`cannot connect to ClickHouse: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * Runs a statement once. If this rejects, the server may still have executed it.
   * @throws StoreError with the server's or the network's message.
   */
  async command({ sql, parameters, body, queryId, settings, signal }: Statement): Promise<void> {
    await this.#attempt(async (client) => {
      // The client's `command` drops `values`.
      const { stream } = await client.exec({
        query: sql,
        ...(parameters && { query_params: { ...parameters } }),
        ...(body && { values: body }),
        ...(queryId !== undefined && { query_id: queryId }),
        clickhouse_settings: { ...settings, ...COMMAND_SETTINGS },
        ...(signal && { abort_signal: signal }),
      });
      stream.resume();
      await finished(stream, { writable: false });
    });
  }

  /**
   * Runs a statement that only reads and streams its result in a format. Retries failures before the first byte; later
   * ones destroy the stream.
   * @throws StoreError, or the abort reason of the statement's signal.
   */
  async read(statement: Statement, format: string): Promise<Readable> {
    return await this.#retry(statement.signal, (client) => readStream(client, statement, format));
  }

  /**
   * Runs a statement that only reads; resolves with its complete result in a format. Retries failures of the network,
   * also those in the middle of the result.
   * @throws StoreError, or the abort reason of the statement's signal.
   */
  async readAll(statement: Statement, format: string): Promise<Buffer> {
    return await this.#retry(statement.signal, async (client) =>
      buffer(await readStream(client, statement, format)),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async #retry<Result>(
    signal: AbortSignal | undefined,
    read: (client: ClickHouseClient) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1, retryMs = FIRST_RETRY_MS; ; attempt++, retryMs *= 2) {
      try {
        return await this.#attempt(read);
      } catch (error) {
        signal?.throwIfAborted();
        const { engineCode } = error as StoreError;
        const isFinal = engineCode !== undefined && engineCode !== TOO_MANY_SIMULTANEOUS_QUERIES;
        if (isFinal || attempt === READ_ATTEMPTS) throw error;
        await delay(retryMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
      }
    }
  }

  /**
   * Runs a statement on the current server. After a failure without a response from ClickHouse, switches to the next.
   * @throws StoreError for every failure.
   */
  async #attempt<Result>(run: (client: ClickHouseClient) => Promise<Result>): Promise<Result> {
    const used = this.#current;
    const client = this.#clients[used];
    if (!client) throw new StoreError('no ClickHouse server is configured');
    try {
      return await run(client);
    } catch (error) {
      const failure = toStoreError(error);
      if (failure.engineCode === undefined && this.#current === used)
        this.#current = (used + 1) % this.#clients.length;
      throw failure;
    }
  }
}

async function readStream(
  client: ClickHouseClient,
  { sql, parameters, settings, signal }: Statement,
  format: string,
): Promise<Readable> {
  const { stream } = await client.exec({
    query: `${sql}\nFORMAT ${format}`,
    ...(parameters && { query_params: { ...parameters } }),
    clickhouse_settings: { ...settings, ...READ_SETTINGS },
    ...(signal && { abort_signal: signal }),
  });
  // A failure before the caller reads the stream must not be an uncaught exception; the caller gets it when it reads.
  stream.on('error', () => undefined);
  return stream;
}

/** The status of a response must include errors that occur late. */
const COMMAND_SETTINGS = { wait_end_of_query: 1 } as const;

/** Value 2 allows only reads but lets a query change its own limits. */
const READ_SETTINGS = {
  readonly: '2',
  // A result is complete or an error; otherwise a failure in the middle would look like its end.
  wait_end_of_query: 1,
  output_format_json_quote_64bit_integers: 1,
  cancel_http_readonly_queries_on_client_close: 1,
} as const;

function connect(url: string, connection: ClickHouseConnection): ClickHouseClient {
  const { database, username, password, tls, compression = false } = connection;
  return createClient({
    url,
    database,
    username,
    password,
    application: 'sonde',
    max_open_connections: connection.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    request_timeout: connection.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    // Compares times, because a timer that is late after long work would close a connection that is in use again.
    keep_alive: { idle_socket_ttl: MAX_IDLE_MS, eagerly_destroy_stale_sockets: true },
    compression: { request: compression, response: compression },
    log: { level: ClickHouseLogLevel.OFF },
    ...(tls?.caFile !== undefined && { tls: tlsOptions(tls, tls.caFile) }),
  });
}

function tlsOptions({ certificateFile, keyFile }: TlsFiles, caFile: string) {
  const authority = { ca_cert: readFileSync(caFile) };
  if (certificateFile === undefined || keyFile === undefined) return authority;
  return { ...authority, cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
}
