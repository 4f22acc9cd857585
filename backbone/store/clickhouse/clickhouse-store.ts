import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FieldDeclaration, FieldType } from '@sonde/model/record/field';
import type { Logger } from 'pino';
import type { StoredOffset } from '../../transport/interface/transport.js';
import { type TableBlock, tableBlocks } from '../arrow/table-blocks.js';
import { insertRows, notStored } from '../progress/insert-statement.js';
import { type OffsetRange, offsetRanges } from '../progress/offset-ranges.js';
import {
  acquirePartitions,
  assertNotReplaced,
  insertProgress,
  type PartitionEpoch,
  readEpochs,
  recentWriters,
  renewEpochs,
  REPLACED,
} from '../progress/writer-epochs.js';
import { upgradeTables } from '../schema/migrations.js';
import { recordTables } from '../schema/record-tables.js';
import { ON_ONE_SERVER, onCluster, storedName, type TableLayout } from '../schema/table-definition.js';
import { quoted } from '../sql/sql-engine.js';
import { SqlStore } from '../engine/sql-store.js';
import {
  type FlowStore,
  type QueryOptions,
  type QueryParameters,
  type RecordBlock,
  type ResultFormat,
  StoreError,
  WriterReplacedError,
} from '../store.js';
import { type ClickHouseConnection, ClickHouseServers, type Statement } from './servers.js';
import { timeRangeOf } from './time-range.js';

export interface ClickHouseStoreOptions extends ClickHouseConnection {
  /** The cluster in the servers' `remote_servers` that tables are distributed over; on one server if absent. */
  readonly cluster?: string | undefined;
  /** How many whole days records are kept; forever if absent. */
  readonly retentionDays?: number | undefined;
  readonly log: Logger;
}

/**
 * Opens a store on ClickHouse over HTTP. Several stores can write to one ClickHouse, each to the partitions that it has
 * acquired (docs/decisions/0005-exactly-once.md). Sends nothing before the first operation.
 * @throws StoreError if an option is invalid.
 */
export function openClickHouseStore(options: ClickHouseStoreOptions): FlowStore {
  const { cluster, database, urls } = options;
  for (const name of [database, ...(cluster === undefined ? [] : [cluster])]) {
    if (!/^[\w.-]+$/.test(name)) throw new StoreError(`${name} is not a valid name of a database or cluster`);
  }
  if (urls.length > 1 && cluster === undefined) {
    throw new StoreError(
      'several ClickHouse servers are configured without a cluster; set clickhouse.cluster',
    );
  }
  return new ClickHouseStore(options);
}

class ClickHouseStore extends SqlStore {
  readonly #servers: ClickHouseServers;
  readonly #layout: TableLayout;
  /** Identifies this store's epochs; the query IDs of its inserts start with it. */
  readonly #writer = randomUUID();
  /** The epoch of each acquired partition. */
  readonly #epochs = new Map<number, number>();
  /** Partitions for which an insert that failed here may still run on the server. */
  readonly #unsettled = new Set<number>();
  #inserts = 0;

  constructor(private readonly options: ClickHouseStoreOptions) {
    super();
    this.#servers = new ClickHouseServers(options);
    this.#layout =
      options.cluster === undefined ? ON_ONE_SERVER : { kind: 'cluster', cluster: options.cluster };
  }

  protected async upgrade(): Promise<void> {
    await this.#createDatabase();
    await upgradeTables(this.engine, this.#layout, this.options.retentionDays);
    if (this.#layout.kind === 'cluster') return;
    // Replicated tables have it by default.
    for (const { name } of recordTables) {
      const setting = `non_replicated_deduplication_window = ${DEDUPLICATED_INSERTS}`;
      await this.command(`ALTER TABLE ${name} MODIFY SETTING ${setting}`);
    }
  }

  protected async acquire(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>> {
    const epochs = await this.#startEpochs(partitions, async () => {
      await acquirePartitions(this.engine, this.#writer, partitions);
      return await recentWriters(this.engine, partitions);
    });
    for (const { partition, ...stored } of epochs) this.stored.set(partition, stored);
    return new Map(epochs.map(({ partition, storedTo, streams }) => [partition, { storedTo, streams }]));
  }

  protected async insertBlock(block: RecordBlock): Promise<void> {
    const parts = tableBlocks(block);
    if (parts.length === 0) return;
    const ranges = offsetRanges(block);
    this.#assertAcquired(ranges);
    try {
      const unsettled = [...ranges.keys()].filter((partition) => this.#unsettled.has(partition));
      if (unsettled.length > 0) await this.#renew(unsettled);
      const epochs = this.#epochsOf(ranges);
      const missingOnly = this.inDoubt.concern(ranges);
      await this.command(insertProgress(this.#writer, epochs, this.stored, ranges));
      for (const part of parts) {
        const conditions = [assertNotReplaced(this.#writer, epochs)];
        if (missingOnly) conditions.push(this.#isMissing(part, block, ranges));
        await this.#insertPart(part, conditions);
      }
    } catch (error) {
      for (const [partition, { last }] of ranges) {
        this.#unsettled.add(partition);
        this.inDoubt.add(partition, last);
      }
      throw error;
    }
    this.stored.settle(block, ranges);
    this.inDoubt.settle(ranges);
  }

  protected async insertJson(
    insert: (source: string) => string,
    structure: string,
    rows: string,
  ): Promise<void> {
    const sql = `${insert(`input(${quoted(structure)})`)}\nFORMAT JSONEachRow`;
    await this.#run({ sql, body: bytes([rows]) });
  }

  protected async command(sql: string, parameters?: QueryParameters): Promise<void> {
    await this.#run({ sql, parameters });
  }

  protected read(
    sql: string,
    parameters: QueryParameters | undefined,
    options: QueryOptions | undefined,
  ): Promise<Uint8Array> {
    return this.#servers.readAll({ sql, parameters, ...options }, 'JSONEachRow');
  }

  protected readStream(
    sql: string,
    parameters: QueryParameters,
    format: ResultFormat,
    options: QueryOptions | undefined,
  ): Promise<Readable> {
    return this.#servers.read({ sql, parameters, ...options }, format);
  }

  protected async closeEngine(): Promise<void> {
    await this.#servers.close();
  }

  async #insertPart({ table, fields, content }: TableBlock, conditions: readonly string[]): Promise<void> {
    const source = `input(${quoted(arrowStructure(fields))})`;
    const names = fields.map(({ name }) => name);
    const sql = insertRows(table, names, source, conditions);
    const queryId = `${queryPrefix(this.#writer)}${this.#inserts++}`;
    try {
      await this.#run({
        sql: `${sql}\nFORMAT ArrowStream`,
        body: bytes(content),
        queryId,
        settings: { ...INSERT_SETTINGS, insert_deduplication_token: queryId },
      });
    } catch (error) {
      if (error instanceof StoreError && error.engineCode === THROW_IF && error.message.includes(REPLACED)) {
        throw new WriterReplacedError(`${REPLACED}: the block is not stored`, { cause: error });
      }
      throw error;
    }
  }

  #isMissing({ table }: TableBlock, block: RecordBlock, ranges: ReadonlyMap<number, OffsetRange>): string {
    const offsets = [...ranges].map(
      ([partition, { first, last }]) =>
        `transport_partition = ${partition} AND transport_offset BETWEEN ${first} AND ${last}`,
    );
    const records = block[table.name];
    const { first, last } = timeRangeOf(
      records ?? { rows: 0, columns: { start_time: new BigUint64Array() } },
    );
    const time = (ms: number) => `fromUnixTimestamp64Milli(${ms}, 'UTC')`;
    const times = `start_time BETWEEN ${time(first)} AND ${time(last)}`;
    return notStored(table, `(${offsets.join(' OR ')})`, times);
  }

  /** Ends this store's own inserts into partitions that it still owns. */
  async #renew(partitions: readonly number[]): Promise<void> {
    const epochs = await this.#startEpochs(partitions, async () => {
      await renewEpochs(this.engine, this.#writer, partitions);
      return [this.#writer];
    });
    if (epochs.length < partitions.length || epochs.some(({ isOwn }) => !isOwn)) {
      throw new WriterReplacedError(`${REPLACED}: the block is not stored`);
    }
  }

  /**
   * Starts new epochs with `insertEpochs`, which returns the writers whose inserts must end; returns the partitions'
   * state after that. Includes what any replica knows.
   */
  async #startEpochs(
    partitions: readonly number[],
    insertEpochs: () => Promise<readonly string[]>,
  ): Promise<PartitionEpoch[]> {
    // A new epoch derives from what one server knows, which may be behind the others.
    await this.#syncReplicas('progress');
    const writers = await insertEpochs();
    await this.#syncReplicas('progress');
    await this.#endInserts(writers);
    await this.#syncRecords();
    const epochs = await readEpochs(this.engine, this.#writer, partitions);
    for (const { partition, epoch, writingTo } of epochs) {
      this.#unsettled.delete(partition);
      this.#epochs.set(partition, epoch);
      this.inDoubt.add(partition, writingTo);
    }
    return epochs;
  }

  #assertAcquired(ranges: ReadonlyMap<number, OffsetRange>): void {
    for (const partition of ranges.keys()) {
      if (!this.#epochs.has(partition)) {
        throw new StoreError(`partition ${partition} was not acquired before the insert`);
      }
    }
  }

  #epochsOf(ranges: ReadonlyMap<number, OffsetRange>): Map<number, number> {
    return new Map([...ranges.keys()].map((partition) => [partition, this.#epochs.get(partition) ?? 0]));
  }

  /** Stops inserts of writers that still run on the servers, and waits until they have ended. */
  async #endInserts(writers: readonly string[]): Promise<void> {
    // Queries that an insert starts on other shards have their own IDs there.
    const conditions = writers.map(
      (writer) => `startsWith(initial_query_id, ${quoted(queryPrefix(writer))})`,
    );
    if (conditions.length === 0) return;
    await this.command(`KILL QUERY${onCluster(this.#layout)} WHERE ${conditions.join(' OR ')} SYNC`);
  }

  /** Waits until every replica has all parts of the record tables. */
  async #syncRecords(): Promise<void> {
    const sharded = { shardingKey: 'transport_partition' };
    for (const { name } of recordTables) {
      await this.#syncReplicas(storedName({ name, ...sharded }, this.#layout));
    }
  }

  async #syncReplicas(table: string): Promise<void> {
    if (this.#layout.kind === 'server') return;
    await this.command(`SYSTEM SYNC REPLICA${onCluster(this.#layout)} ${table}`);
  }

  async #createDatabase(): Promise<void> {
    const { database } = this.options;
    const servers = new ClickHouseServers({ ...this.options, database: 'default' });
    try {
      await servers.command({
        sql: `CREATE DATABASE IF NOT EXISTS \`${database}\`${onCluster(this.#layout)}`,
      });
    } finally {
      await servers.close();
    }
  }

  async #run(statement: Statement): Promise<void> {
    await this.#servers.command(statement);
  }
}

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO (src/Common/ErrorCodes.cpp). */
const THROW_IF = 395;

/**
 * How many inserts a table remembers by their deduplication token, so that one that reaches the server twice, for example
 * because a proxy retries it, is executed once.
 */
const DEDUPLICATED_INSERTS = 1000;

const INSERT_SETTINGS = {
  // A response must mean that the rows are stored.
  async_insert: 0,
  distributed_foreground_insert: 1,
} as const;

function queryPrefix(writer: string): string {
  return `sonde-${writer}-`;
}

/** The columns of an Arrow stream of records with the types that they have in the stream. */
function arrowStructure(fields: readonly FieldDeclaration[]): string {
  return fields.map(({ name, type }) => `${name} ${arrowTypes[type]}`).join(', ');
}

const arrowTypes: Readonly<Record<FieldType, string>> = {
  time: "DateTime64(3, 'UTC')",
  ip: 'FixedString(16)',
  uint8: 'UInt8',
  uint16: 'UInt16',
  uint32: 'UInt32',
  uint64: 'UInt64',
  boolean: 'UInt8',
  enumeration: 'Int8',
  string: 'LowCardinality(String)',
};

function bytes(chunks: readonly (Uint8Array | string)[]): Readable {
  return Readable.from(chunks, { objectMode: false });
}
