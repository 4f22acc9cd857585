import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { toStoreError } from '../sql/engine-error.js';
import { StoreError } from '../store.js';

export interface ClickHouseConnection {
  /** HTTP addresses of servers that hold the same data; one is used until it fails, then the next. */
  readonly urls: readonly string[];
  readonly database: string;
  readonly username: string;
  readonly password: string;
  readonly tls?: TlsFiles;
  /** How many requests a server gets at once; others wait. */
  readonly maxConnections?: number;
  /** How long a request may take, in ms. */
  readonly requestTimeoutMs?: number;
  /** Whether request and answer bodies are gzipped; for servers far away. */
  readonly compression?: boolean;
}

/** PEM files: whom to trust besides the system's authorities, and who we are. */
export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** What a statement is sent with. */
export interface Statement {
  readonly sql: string;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /** What an INSERT reads. */
  readonly body?: Readable | undefined;
  readonly queryId?: string | undefined;
  readonly settings?: Readonly<Record<string, string | number>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_MAX_CONNECTIONS = 10;
const REQUEST_TIMEOUT_MS = 60_000;

/**
 * For how long a connection may be idle and still be used: less than servers keep it, 3 s before ClickHouse 23.11 and
 * 10 s since (https://clickhouse.com/docs/operations/server-configuration-parameters/settings#keep_alive_timeout).
 */
const MAX_IDLE_MS = 2_500;

/** How often a statement that only reads is tried, and how long it waits before it is tried again. */
const READ_ATTEMPTS = 3;
const FIRST_RETRY_MS = 100;

/** TOO_MANY_SIMULTANEOUS_QUERIES: the server has not begun. */
const TOO_MANY_SIMULTANEOUS_QUERIES = 202;

/** Clients of one or several servers, one of which is used at a time. */
export class ClickHouseServers {
  readonly #clients: readonly ClickHouseClient[];
  #current = 0;

  /** @throws StoreError if an address or a TLS file cannot be used. */
  constructor(connection: ClickHouseConnection) {
    try {
      this.#clients = connection.urls.map((url) => connect(url, connection));
    } catch (error) {
      throw new StoreError(`cannot connect to ClickHouse: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * Runs a statement once: whether it was done is open if this rejects.
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

  /** Runs a statement that only reads, again if the network failed; gives the answer's bytes in a format. */
  async read(statement: Statement, format: string): Promise<Readable> {
    const { sql, parameters, settings, signal } = statement;
    for (let attempt = 1, retryMs = FIRST_RETRY_MS; ; attempt++, retryMs *= 2) {
      try {
        const { stream } = await this.#attempt((client) =>
          client.exec({
            query: `${sql}\nFORMAT ${format}`,
            ...(parameters && { query_params: { ...parameters } }),
            clickhouse_settings: { ...settings, ...READ_SETTINGS },
            ...(signal && { abort_signal: signal }),
          }),
        );
        return stream;
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        const code = error instanceof StoreError ? error.engineCode : undefined;
        if ((code !== undefined && code !== TOO_MANY_SIMULTANEOUS_QUERIES) || attempt === READ_ATTEMPTS)
          throw error;
        await delay(retryMs, undefined, { signal });
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** What fails without an answer of the server's makes the next one be used from then on. */
  async #attempt<Result>(run: (client: ClickHouseClient) => Promise<Result>): Promise<Result> {
    const used = this.#current;
    const client = this.#clients[used];
    if (!client) throw new StoreError('no ClickHouse server is given');
    try {
      return await run(client);
    } catch (error) {
      const failure = toStoreError(error);
      const isAnswer = failure instanceof StoreError && failure.engineCode !== undefined;
      if (!isAnswer && this.#current === used) this.#current = (used + 1) % this.#clients.length;
      throw failure;
    }
  }
}

/** The status of an answer must tell of errors that come late, too. */
const COMMAND_SETTINGS = { wait_end_of_query: 1 } as const;

/** 2 reads only, while a query may still limit itself. */
const READ_SETTINGS = {
  readonly: '2',
  // An answer is whole or an error: otherwise a failure in its middle would look like its end.
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
    // By the clock and not by a timer alone, which is late after long work and then ends a connection already in use.
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
