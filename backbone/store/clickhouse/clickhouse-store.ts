import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { FieldDeclaration, FieldType } from '@sonde/model/record/field';
import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import type { Logger } from 'pino';
import type { StoredOffset } from '../../transport/interface/transport.js';
import { type ClickHouseConnection, ClickHouseServers, type Statement } from './servers.js';
import {
  confirmObjectRows,
  insertObjectRows,
  objectRows,
  objectRowsStructure,
} from '../schema/cluster-objects.js';
import { InDoubtOffsets } from '../progress/in-doubt-offsets.js';
import { SerialQueue } from '../sql/serial-queue.js';
import { insertRows, notStored } from '../progress/insert-statement.js';
import { upgradeTables } from '../schema/migrations.js';
import {
  type PartitionEpoch,
  acquirePartitions,
  insertProgress,
  readEpochs,
  recentWriters,
  renewEpochs,
  REPLACED,
  assertNotReplaced,
} from '../progress/writer-epochs.js';
import { type OffsetRange, offsetRanges } from '../progress/offset-ranges.js';
import { tableBlocks, type TableBlock } from '../arrow/table-blocks.js';
import { highestOffsetsQuery, recordTables } from '../schema/record-tables.js';
import { parseJsonRows, quoted } from '../sql/sql-engine.js';
import {
  type ResultFormat,
  type FlowStore,
  type QueryOptions,
  type QueryParameters,
  type RecordBlock,
  StoreError,
  WriterReplacedError,
} from '../store.js';
import { StoredOffsets } from '../progress/stored-offsets.js';
import { onCluster, ON_ONE_SERVER, storedName, type TableLayout } from '../schema/table-definition.js';
import { timeRangeOf } from './time-range.js';

export interface ClickHouseStoreOptions extends ClickHouseConnection {
  /** The cluster, of the servers' `remote_servers`, over which tables are spread; without it they are on one server. */
  readonly cluster?: string | undefined;
  /** Whole days for which records are kept; without it for ever. */
  readonly retentionDays?: number | undefined;
  readonly log: Logger;
}

/**
 * A store on ClickHouse over HTTP. Several stores may write to one ClickHouse, each the partitions that it has
 * claimed (docs/decisions/0005-exactly-once.md). Nothing is sent before the first use.
 * @throws StoreError if an option cannot be used.
 */
export function openClickHouseStore(options: ClickHouseStoreOptions): FlowStore {
  const { cluster, database, urls } = options;
  for (const name of [database, ...(cluster === undefined ? [] : [cluster])]) {
    if (!/^[\w.-]+$/.test(name)) throw new StoreError(`${name} is no name of a database or cluster`);
  }
  if (urls.length > 1 && cluster === undefined) {
    throw new StoreError('several ClickHouse servers are given, but not the cluster that they are of');
  }
  return new ClickHouseStore(options);
}

class ClickHouseStore implements FlowStore {
  readonly #servers: ClickHouseServers;
  readonly #layout: TableLayout;
  /** Names this store's claims; its inserts' query ids begin with it. */
  readonly #writer = randomUUID();
  readonly #inserts = new SerialQueue();
  /** The epochs of the partitions that this store has claimed. */
  readonly #epochs = new Map<number, number>();
  readonly #stored = new StoredOffsets();
  readonly #inDoubt = new InDoubtOffsets();
  /** Partitions of which an insert that we gave up may still be executed. */
  readonly #unsettled = new Set<number>();
  #statements = 0;
  #closing: Promise<void> | undefined;

  constructor(private readonly options: ClickHouseStoreOptions) {
    this.#servers = new ClickHouseServers(options);
    this.#layout =
      options.cluster === undefined ? ON_ONE_SERVER : { kind: 'cluster', cluster: options.cluster };
  }

  async migrate(): Promise<void> {
    this.#assertOpen();
    await this.#createDatabase();
    await upgradeTables(this.#engine, this.#layout, this.options.retentionDays);
  }

  async acquirePartitions(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>> {
    this.#assertOpen();
    if (partitions.length === 0) return new Map();
    return await this.#inserts.run(async () => {
      const claims = await this.#takeOver(partitions, async () => {
        await acquirePartitions(this.#engine, this.#writer, partitions);
        return await recentWriters(this.#engine, partitions);
      });
      for (const { partition, ...place } of claims) this.#stored.claim(partition, place);
      return new Map(claims.map(({ partition, storedTo, streams }) => [partition, { storedTo, streams }]));
    });
  }

  async insert(block: RecordBlock): Promise<void> {
    this.#assertOpen();
    await this.#inserts.run(() => this.#storeBlock(block));
  }

  async highestOffsets(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.query<{ partition: number; offset: string }>(highestOffsetsQuery);
    return new Map(rows.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async insertObjects(versions: readonly ObjectVersion[]): Promise<void> {
    this.#assertOpen();
    if (versions.length === 0) return;
    const sql = insertObjectRows(`input(${quoted(objectRowsStructure)})`);
    await this.#command({ sql: `${sql}\nFORMAT JSONEachRow`, body: bytes([objectRows(versions)]) });
  }

  async confirmObjects(cluster: string): Promise<void> {
    this.#assertOpen();
    await this.#command({ sql: confirmObjectRows, parameters: { cluster } });
  }

  async query<Row>(sql: string, parameters?: QueryParameters, options?: QueryOptions): Promise<Row[]> {
    this.#assertOpen();
    const stream = await this.#servers.read({ sql, parameters, ...options }, 'JSONEachRow');
    return parseJsonRows<Row>(await buffer(stream));
  }

  async queryStream(
    sql: string,
    parameters: QueryParameters,
    format: ResultFormat,
    options?: QueryOptions,
  ): Promise<Readable> {
    this.#assertOpen();
    return await this.#servers.read({ sql, parameters, ...options }, format);
  }

  close(): Promise<void> {
    this.#closing ??= this.#inserts.idle().then(() => this.#servers.close());
    return this.#closing;
  }

  async #storeBlock(block: RecordBlock): Promise<void> {
    const parts = tableBlocks(block);
    if (parts.length === 0) return;
    const ranges = offsetRanges(block);
    this.#assertClaimed(ranges);
    try {
      const unsettled = [...ranges.keys()].filter((partition) => this.#unsettled.has(partition));
      if (unsettled.length > 0) {
        await this.#renew(unsettled);
      }
      const epochs = this.#epochsOf(ranges);
      const missingOnly = this.#inDoubt.concern(ranges);
      await this.#command({ sql: insertProgress(this.#writer, epochs, this.#stored, ranges) });
      for (const part of parts) {
        const conditions = [assertNotReplaced(this.#writer, epochs)];
        if (missingOnly) conditions.push(this.#isMissing(part, block, ranges));
        await this.#insertPart(part, conditions);
      }
    } catch (error) {
      for (const [partition, { last }] of ranges) {
        this.#unsettled.add(partition);
        this.#inDoubt.add(partition, last);
      }
      throw error;
    }
    this.#stored.settle(block, ranges);
    this.#inDoubt.settle(ranges);
  }

  async #insertPart({ table, fields, content }: TableBlock, conditions: readonly string[]): Promise<void> {
    const source = `input(${quoted(arrowStructure(fields))})`;
    const names = fields.map(({ name }) => name);
    const sql = insertRows(table, names, source, conditions);
    const queryId = `${queryPrefix(this.#writer)}${this.#statements++}`;
    try {
      await this.#command({
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

  /** Ends what we ourselves have begun in some partitions. What is stored of them, nobody else has changed. */
  async #renew(partitions: readonly number[]): Promise<void> {
    const claims = await this.#takeOver(partitions, async () => {
      await renewEpochs(this.#engine, this.#writer, partitions);
      return [this.#writer];
    });
    if (claims.length < partitions.length || claims.some(({ isOwn }) => !isOwn)) {
      throw new WriterReplacedError(`${REPLACED}: the block is not stored`);
    }
  }

  /**
   * Writes claims, which `claim` does and tells whose inserts they are to end, and gives what holds then: known is
   * what any server knew, and what was begun before has ended.
   */
  async #takeOver(
    partitions: readonly number[],
    claim: () => Promise<readonly string[]>,
  ): Promise<PartitionEpoch[]> {
    // A claim is made of what the server knows that is asked; it may be behind the others.
    await this.#syncReplicas('progress');
    const writers = await claim();
    await this.#syncReplicas('progress');
    await this.#endInserts(writers);
    await this.#syncRecords();
    const claims = await readEpochs(this.#engine, this.#writer, partitions);
    for (const { partition, epoch, writingTo } of claims) {
      this.#unsettled.delete(partition);
      this.#epochs.set(partition, epoch);
      this.#inDoubt.add(partition, writingTo);
    }
    return claims;
  }

  #assertClaimed(ranges: ReadonlyMap<number, OffsetRange>): void {
    for (const partition of ranges.keys()) {
      if (!this.#epochs.has(partition)) {
        throw new StoreError(`partition ${partition} is written without a claim`);
      }
    }
  }

  #epochsOf(ranges: ReadonlyMap<number, OffsetRange>): Map<number, number> {
    return new Map([...ranges.keys()].map((partition) => [partition, this.#epochs.get(partition) ?? 0]));
  }

  /** Stops what the servers still execute of some writers' inserts, and waits until it is so. */
  async #endInserts(writers: readonly string[]): Promise<void> {
    // What an insert makes other shards do has ids of its own there.
    const conditions = writers.map(
      (writer) => `startsWith(initial_query_id, ${quoted(queryPrefix(writer))})`,
    );
    if (conditions.length === 0) return;
    await this.#command({
      sql: `KILL QUERY${onCluster(this.#layout)} WHERE ${conditions.join(' OR ')} SYNC`,
    });
  }

  /** Lets every server know all parts that any of them has taken. */
  async #syncRecords(): Promise<void> {
    const sharded = { shardingKey: 'transport_partition' };
    for (const { name } of recordTables) {
      await this.#syncReplicas(storedName({ name, ...sharded }, this.#layout));
    }
  }

  async #syncReplicas(table: string): Promise<void> {
    if (this.#layout.kind === 'server') return;
    await this.#command({ sql: `SYSTEM SYNC REPLICA${onCluster(this.#layout)} ${table}` });
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

  async #command(statement: Statement): Promise<void> {
    await this.#servers.command(statement);
  }

  get #engine() {
    return {
      command: (sql: string) => this.#command({ sql }),
      query: <Row>(sql: string, parameters?: QueryParameters) => this.query<Row>(sql, parameters),
    };
  }

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('the store is closed');
  }
}

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO (src/Common/ErrorCodes.cpp). */
const THROW_IF = 395;

const INSERT_SETTINGS = {
  // The answer must mean that the rows are stored.
  async_insert: 0,
  distributed_foreground_insert: 1,
} as const;

function queryPrefix(writer: string): string {
  return `sonde-${writer}-`;
}

/** The columns of an Arrow stream of records, by the types that the stream has them in. */
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
  text: 'LowCardinality(String)',
};

function bytes(chunks: readonly (Uint8Array | string)[]): Readable {
  return Readable.from(chunks, { objectMode: false });
}
