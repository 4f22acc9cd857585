import type { Readable } from 'node:stream';
import type { EnrichedDns } from '@sonde/model/dns/records';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import type { DeliveredBatch, StoredOffset } from '../transport/interface/transport.js';

/**
 * The records of each table, by table name. To add a record type, add it here and declare its table in
 * `schema/record-tables.ts`; both stores then create, fill and expire that table.
 */
export interface RecordsByTable {
  readonly flows: EnrichedFlows;
  readonly dns: EnrichedDns;
}

/** Records that are stored together. A record type without records may be absent. */
export interface RecordBlock extends Partial<RecordsByTable> {
  /** The transport messages that contained the records; the store also keeps the positions of their streams. */
  readonly messages?: readonly Pick<DeliveredBatch, 'partition' | 'source'>[];
  /** Reusable memory for encoding the columns, in use until the insert settles. */
  readonly memory?: ColumnMemory;
}

/** Stores records and state: in ClickHouse over HTTP, or in chDB in this process. */
export interface FlowStore {
  /** Creates or upgrades the tables. Safe to repeat. */
  migrate(): Promise<void>;

  /**
   * Inserts the records of a block; when it resolves, they survive a crash and can be queried. Rows are identified by
   * their transport partition and offset: a block contains all rows of each of its offsets, of every record type, and
   * an offset always identifies the same rows. A failed block can be inserted again without duplicates.
   * @throws StoreError if the engine fails; WriterReplacedError if another store has acquired one of the block's
   * partitions; RangeError if a column's length is not `rows`.
   */
  insert(block: RecordBlock): Promise<void>;

  /**
   * Makes this store the writer of transport partitions until another store acquires them; no rows of an earlier writer
   * appear afterwards. Returns the stored offset of each partition; the writer resumes at the next one. Rows beyond it
   * that are already stored are skipped when they are inserted again.
   */
  acquirePartitions(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>>;

  /** The highest stored offset of each transport partition. */
  highestOffsets(): Promise<ReadonlyMap<number, number>>;

  /**
   * Inserts rows into a table of state, for example versions of policies. A failed call can be repeated if the table
   * replaces equal rows.
   * @throws StoreError if the engine fails.
   */
  insertRows<Row>(table: StateTable<Row>, rows: readonly Row[]): Promise<void>;

  /**
   * Inserts into a table of state the rows of a source in SQL (a table or a subquery with the table's columns), with
   * the current time as their time of insert.
   * @throws StoreError if the engine fails.
   */
  copyRows<Row>(table: StateTable<Row>, source: string, parameters?: QueryParameters): Promise<void>;

  /**
   * Runs a SELECT. Pass values in `parameters` (ClickHouse's `{name:Type}` placeholders), never in the SQL.
   * Rows are parsed JSON, with 64-bit integers as decimal strings.
   * @throws StoreError with the engine's message, or the abort reason of `options.signal`.
   */
  query<Row>(sql: string, parameters?: QueryParameters, options?: QueryOptions): Promise<Row[]>;

  /**
   * Runs a SELECT and streams its result in a format. Errors before the first byte reject; later ones destroy the
   * stream. The caller must read the stream to its end or destroy it.
   * @throws StoreError as `query` does.
   */
  queryStream(
    sql: string,
    parameters: QueryParameters,
    format: ResultFormat,
    options?: QueryOptions,
  ): Promise<Readable>;

  /** Waits for running operations, then closes the engine and its files. */
  close(): Promise<void>;
}

/**
 * A table of state: rows that services keep in the store, as opposed to records that pass through it. To add one,
 * declare it like `schema/cluster-objects.ts`, create it in a migration and write it with `insertRows`.
 */
export interface StateTable<Row> {
  /** Name in the connection's database. */
  readonly name: string;
  /** The columns that a row fills. */
  readonly columns: readonly StateColumn<Row>[];
  /** The column that each insert sets to the current time. */
  readonly insertTimeColumn: string;
}

export interface StateColumn<Row> {
  readonly name: string;
  /** Its ClickHouse type, with a codec if it has one. */
  readonly type: string;
  /** The column's value of a row. */
  readonly of: (row: Row) => string | number | boolean;
}

/** Values of a query's parameters, by name. */
export type QueryParameters = Readonly<Record<string, unknown>>;

/** Options of one query. */
export interface QueryOptions {
  /** Cancels the query in the engine too. */
  readonly signal?: AbortSignal | undefined;
  /** The engine's settings for this query, for example `max_execution_time` in seconds. */
  readonly settings?: QuerySettings | undefined;
}

export type QuerySettings = Readonly<Record<string, string | number>>;

/** Formats of query results (https://clickhouse.com/docs/en/interfaces/formats). */
export type ResultFormat = 'ArrowStream' | 'CSVWithNames' | 'JSONEachRow';

/** The store failed or rejected a request; `engineCode` is ClickHouse's error code if the engine returned one. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code = 'SONDE_STORE_ERROR';
  readonly engineCode: number | undefined;

  constructor(message: string, options: { cause?: unknown; engineCode?: number | undefined } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.engineCode = options.engineCode;
  }
}

/**
 * Another store has acquired a partition of the block. The rest of the block is not stored; the writer must drop its
 * data of the partitions and acquire its assigned partitions again.
 */
export class WriterReplacedError extends Error {
  override readonly name = 'WriterReplacedError';
  readonly code = 'SONDE_WRITER_REPLACED';
}
