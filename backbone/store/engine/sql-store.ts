import type { Readable } from 'node:stream';
import type { StoredOffset } from '../../transport/interface/transport.js';
import { InDoubtOffsets } from '../progress/in-doubt-offsets.js';
import { StoredOffsets } from '../progress/stored-offsets.js';
import { highestOffsetsQuery } from '../schema/record-tables.js';
import { insertFrom, jsonRows, rowStructure } from '../schema/state-table.js';
import {
  type FlowStore,
  type QueryOptions,
  type QueryParameters,
  type RecordBlock,
  type ResultFormat,
  type StateTable,
  StoreError,
} from '../store.js';
import { SerialQueue } from '../sql/serial-queue.js';
import { parseJsonRowsInSlices, type SqlEngine } from '../sql/sql-engine.js';

/** What both engines have in common: a store whose operations are SQL statements. */
export abstract class SqlStore implements FlowStore {
  /** Blocks and acquisitions of partitions, one at a time. */
  protected readonly writes = new SerialQueue();
  protected readonly inDoubt = new InDoubtOffsets();
  protected readonly stored = new StoredOffsets();
  #closing: Promise<void> | undefined;

  async migrate(): Promise<void> {
    this.#assertOpen();
    await this.upgrade();
  }

  async insert(block: RecordBlock): Promise<void> {
    this.#assertOpen();
    await this.writes.run(() => this.insertBlock(block));
  }

  async acquirePartitions(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>> {
    this.#assertOpen();
    if (partitions.length === 0) return new Map();
    return await this.writes.run(() => this.acquire(partitions));
  }

  async highestOffsets(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.query<{ partition: number; offset: string }>(highestOffsetsQuery);
    return new Map(rows.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async insertRows<Row>(table: StateTable<Row>, rows: readonly Row[]): Promise<void> {
    this.#assertOpen();
    if (rows.length === 0) return;
    await this.insertJson((source) => insertFrom(table, source), rowStructure(table), jsonRows(table, rows));
  }

  async copyRows<Row>(table: StateTable<Row>, source: string, parameters?: QueryParameters): Promise<void> {
    this.#assertOpen();
    await this.command(insertFrom(table, source), parameters);
  }

  async query<Row>(sql: string, parameters?: QueryParameters, options?: QueryOptions): Promise<Row[]> {
    this.#assertOpen();
    return await parseJsonRowsInSlices<Row>(await this.read(sql, parameters, options));
  }

  async queryStream(
    sql: string,
    parameters: QueryParameters,
    format: ResultFormat,
    options?: QueryOptions,
  ): Promise<Readable> {
    this.#assertOpen();
    return await this.readStream(sql, parameters, format, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.writes.idle().then(() => this.closeEngine());
    return this.#closing;
  }

  /** The engine as migrations and partition ownership use it. */
  protected get engine(): SqlEngine {
    return {
      command: (sql) => this.command(sql),
      query: (sql, parameters) => this.query(sql, parameters),
    };
  }

  /** Creates or upgrades the tables. */
  protected abstract upgrade(): Promise<void>;

  /** Inserts a block; no other block or acquisition is in progress. */
  protected abstract insertBlock(block: RecordBlock): Promise<void>;

  /** Makes this store the writer of partitions (at least one); no block is in progress. */
  protected abstract acquire(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>>;

  /**
   * Runs a statement without a result.
   * @throws StoreError if it failed or may have failed.
   */
  protected abstract command(sql: string, parameters?: QueryParameters): Promise<void>;

  /** Runs the INSERT that `insert` makes of a source of rows in the format `JSONEachRow`. */
  protected abstract insertJson(
    insert: (source: string) => string,
    structure: string,
    rows: string,
  ): Promise<void>;

  /**
   * Runs a SELECT; resolves with the complete result in the format `JSONEachRow`.
   * @throws StoreError for every failure, or the abort reason of `options.signal`.
   */
  protected abstract read(
    sql: string,
    parameters: QueryParameters | undefined,
    options: QueryOptions | undefined,
  ): Promise<Uint8Array>;

  /** Runs a SELECT and streams its result in a format. */
  protected abstract readStream(
    sql: string,
    parameters: QueryParameters,
    format: ResultFormat,
    options: QueryOptions | undefined,
  ): Promise<Readable>;

  /** Closes the engine; nothing is being inserted. */
  protected abstract closeEngine(): Promise<void>;

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('the store is closed');
  }
}
