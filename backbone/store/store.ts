import type { Readable } from 'node:stream';
import type { EnrichedDns } from '@sonde/model/dns/records';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import type { DeliveredBatch, StoredOffset } from '../transport/transport.js';

/** Records that are stored together; a kind of which there are none may be absent. */
export interface RecordBlock {
  readonly flows?: EnrichedFlows;
  readonly dns?: EnrichedDns;
  /** The messages that the records came in, as the transport gave them: how far their streams have come is kept too. */
  readonly messages?: readonly Pick<DeliveredBatch, 'partition' | 'source'>[];
  /** Where the store may put what it makes of the columns, until it has taken them. */
  readonly memory?: ColumnMemory;
}

/** Where flows and DNS look-ups are kept: ClickHouse over HTTP, or chDB in the process. */
export interface FlowStore {
  /** Creates or upgrades the tables. Safe to repeat. */
  migrate(): Promise<void>;

  /**
   * Writes rows; when it resolves, they survive a crash and can be queried. Rows are identified by their
   * transport partition and offset: a block holds all rows of each offset in it, of every kind, an offset never
   * stands for other rows, and a block that was refused may be written again without doubling what was stored of it.
   * @throws StoreError if the engine refuses; WriterReplacedError if another store has claimed one of the block's
   * partitions; RangeError if the columns are not `rows` long.
   */
  insert(block: RecordBlock): Promise<void>;

  /**
   * Makes this store the one that writes transport partitions, for as long as nobody else claims them: no insert of a
   * former writer appears afterwards. Gives for each up to which offset everything is stored: the writer goes on with the
   * next one. What is stored beyond is left out when it is inserted again.
   */
  acquirePartitions(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>>;

  /** The highest stored offset of each transport partition. */
  highestOffsets(): Promise<ReadonlyMap<number, number>>;

  /**
   * Keeps versions of objects that policies depend on. Those that are stored already stay as they are, so what failed
   * may be tried again, and several may write the same.
   * @throws StoreError if the engine refuses.
   */
  insertObjects(versions: readonly ObjectVersion[]): Promise<void>;

  /** Says that what the store holds of a cluster's objects as of now still holds: retention counts from here. */
  confirmObjects(cluster: string): Promise<void>;

  /**
   * Runs a SELECT. Values go in `parameters` (ClickHouse's `{name:Type}` placeholders), never into the text.
   * Rows come as JSON gives them, with 64-bit integers as decimal strings.
   * @throws StoreError with the engine's message, or what `options.signal` was aborted with.
   */
  query<Row>(sql: string, parameters?: QueryParameters, options?: QueryOptions): Promise<Row[]>;

  /**
   * Runs a SELECT and gives its answer's bytes in a format, for those who hand them on. Errors that occur before the
   * first byte reject; later ones destroy the stream. The stream must be read to its end or destroyed.
   * @throws StoreError as `query` does.
   */
  queryStream(
    sql: string,
    parameters: QueryParameters,
    format: AnswerFormat,
    options?: QueryOptions,
  ): Promise<Readable>;

  /** Finishes what is under way and lets go of the engine and its files. */
  close(): Promise<void>;
}

/** Values of a query's placeholders, by name. */
export type QueryParameters = Readonly<Record<string, unknown>>;

/** What applies to one query. */
export interface QueryOptions {
  /** Cancels the query in the engine too. */
  readonly signal?: AbortSignal | undefined;
  /** The engine's settings for this query, for example `max_execution_time` in seconds. */
  readonly settings?: QuerySettings | undefined;
}

export type QuerySettings = Readonly<Record<string, string | number>>;

/** Formats of whole answers (https://clickhouse.com/docs/en/interfaces/formats). */
export type AnswerFormat = 'ArrowStream' | 'CSVWithNames' | 'JSONEachRow';

/** The store refused or failed; `code` is ClickHouse's error number where the engine gave one. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: number | undefined;

  constructor(message: string, options: { cause?: unknown; code?: number | undefined } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}

/**
 * Somebody else has claimed a partition that this store wrote: nothing more of the block is stored, and whoever wrote it
 * has to forget what it holds of its partitions and ask anew which are its own.
 */
export class WriterReplacedError extends Error {
  override readonly name = 'WriterReplacedError';
}
