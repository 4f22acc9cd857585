import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client';
import type { FlowColumns, Records } from '@sonde/model/flow/columns';
import type { ObjectVersion } from '@sonde/model/policy/history/version';
import { drainPending } from 'chdb';
import { createChdbConnection } from 'chdb/connection';
import type { Logger } from 'pino';
import { encodeRecords } from './arrow.js';
import { confirmObjectRows, insertObjectRows, objectRows, objectRowsStructure } from './cluster-objects.js';
import { lockDirectory, type DirectoryLock } from './directory-lock.js';
import { upgradeTables } from './migrations.js';
import { dnsTable, flowsTable, type RecordTable, recordTables, tablePartition } from './schema.js';
import { type BlockPart, Spool } from './spool.js';
import { StoreError, type FlowStore, type RecordBlock } from './store.js';

export interface ChdbStoreOptions {
  /** The directory that holds everything; made if it is not there. One process at a time may use it. */
  readonly directory: string;
  /** Whole days for which records are kept; without it for ever. */
  readonly retentionDays?: number;
  readonly log: Logger;
}

/**
 * Opens a store on ClickHouse's engine in this process. A block goes through the spool: first it is made to survive a
 * crash, then the engine reads it from there. Blocks that a crash left in the spool are stored before
 * this resolves, without doubling what the engine had already taken of them.
 * @throws StoreError if another process uses the directory, or if the engine cannot open it.
 */
export async function openChdbStore(options: ChdbStoreOptions): Promise<FlowStore> {
  const directory = path.resolve(options.directory);
  if (/[*?{}'"\\]/.test(directory)) {
    throw new StoreError(`${directory}: the path of a data directory may not hold any of * ? { } ' " \\`);
  }
  let lock: DirectoryLock | undefined;
  let store: ChdbStore | undefined;
  try {
    await mkdir(directory, { recursive: true });
    lock = lockDirectory(directory);
    const spool = await Spool.open(path.join(directory, 'spool'));
    store = new ChdbStore(path.join(directory, 'chdb'), spool, lock, options);
    await store.recover();
    return store;
  } catch (error) {
    if (store) await store.close();
    else lock?.release();
    throw toStoreError(error);
  }
}

class ChdbStore implements FlowStore {
  /** A connection runs one statement after the other, so writing and reading get one each. */
  readonly #writer: ClickHouseClient;
  readonly #reader: ClickHouseClient;
  /** Resolves when the inserts asked for so far are done. */
  #inserts: Promise<unknown> = Promise.resolve();
  /** Offsets of refused blocks: the engine may hold a part of them. */
  readonly #doubtful = new Set<string>();
  #closing: Promise<void> | undefined;

  constructor(
    engineDirectory: string,
    private readonly spool: Spool,
    private readonly lock: DirectoryLock,
    private readonly options: ChdbStoreOptions,
  ) {
    this.#writer = connect(engineDirectory);
    this.#reader = connect(engineDirectory);
  }

  /** Prepares the connections and stores what a crash left in the spool. */
  async recover(): Promise<void> {
    await this.#reader.command({ query: 'SET output_format_json_quote_64bit_integers = 1' });
    // 2: reads only, while a query may still limit itself by SETTINGS.
    await this.#reader.command({ query: 'SET readonly = 2' });
    await this.#storeLeftBlocks();
  }

  async migrate(): Promise<void> {
    this.#assertOpen();
    const engine = {
      command: (sql: string) => this.#command(sql),
      query: this.query.bind(this),
    };
    await upgradeTables(engine, this.options.retentionDays);
  }

  async insert(block: RecordBlock): Promise<void> {
    this.#assertOpen();
    const parts = partsOf(block);
    if (parts.length === 0) return;
    const insert = this.#inserts.then(() => this.#storeBlock(parts));
    // The caller of a refused block hears of it; those behind it have their turn.
    this.#inserts = insert.catch(() => undefined);
    await insert;
  }

  async highestOffsets(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.query<{ partition: number; offset: string }>(
      `SELECT transport_partition AS partition, max(transport_offset) AS offset
       FROM (${recordTables.map(({ name }) => `SELECT ${offsetColumns} FROM ${name}`).join(' UNION ALL ')})
       GROUP BY transport_partition`,
    );
    return new Map(rows.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async insertObjects(versions: readonly ObjectVersion[]): Promise<void> {
    this.#assertOpen();
    if (versions.length === 0) return;
    await this.#command(insertObjectRows, { structure: objectRowsStructure, rows: objectRows(versions) });
  }

  async confirmObjects(cluster: string): Promise<void> {
    this.#assertOpen();
    await this.#command(confirmObjectRows, { cluster });
  }

  async query<Row>(sql: string, parameters?: Readonly<Record<string, unknown>>): Promise<Row[]> {
    this.#assertOpen();
    return await select<Row>(this.#reader, sql, parameters);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#inserts;
    await Promise.all([this.#writer.close(), this.#reader.close()]);
    await drainPending();
    this.lock.release();
  }

  async #storeBlock(parts: readonly TablePart[]): Promise<void> {
    try {
      if (this.#doubtful.size > 0) await this.#storeLeftBlocks();
      const block = await this.spool.write(parts);
      // Only after a failure is it worth looking at each row.
      const offsets = this.#doubtful.size > 0 ? offsetsOf(parts) : [];
      const retried = offsets.some((offset) => this.#doubtful.has(offset));
      const insert = retried ? insertMissing : insertAll;
      try {
        for (const { table, file } of block.parts) {
          await this.#command(insert(table, file, fieldNames.get(table) ?? []));
        }
        await this.spool.remove(block);
      } catch (error) {
        for (const offset of offsetsOf(parts)) this.#doubtful.add(offset);
        throw error;
      }
      for (const offset of offsets) this.#doubtful.delete(offset);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async #storeLeftBlocks(): Promise<void> {
    for (const block of await this.spool.blocks()) {
      for (const { table, file } of block.parts) await this.#storeLeftPart(table, file);
      await this.spool.remove(block);
      this.options.log.warn(
        { block: block.directory },
        'stored a block that an interrupted insert had left in the spool',
      );
    }
  }

  async #storeLeftPart(table: string, file: string): Promise<void> {
    try {
      const described = await select<{ name: string }>(this.#writer, `DESCRIBE TABLE ${arrowFile(file)}`);
      const columns = described.map((column) => column.name);
      await this.#command(insertMissing(table, file, columns));
    } catch (error) {
      const reason = toStoreError(error);
      throw new StoreError(`cannot store ${file}, left by an interrupted insert: ${reason.message}`, {
        cause: error,
      });
    }
  }

  async #command(sql: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<void> {
    try {
      await this.#writer.command({ query: sql, query_params: { ...parameters } });
    } catch (error) {
      throw toStoreError(error);
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('the store is closed');
  }
}

/** The records of a block that go into one table, and as the spool takes them. */
interface TablePart extends BlockPart {
  readonly records: OffsetRecords;
}

/** What is common to records of all kinds. */
interface OffsetRecords {
  readonly rows: number;
  readonly columns: Pick<FlowColumns, 'transport_partition' | 'transport_offset'>;
}

function partsOf({ flows, dns }: RecordBlock): TablePart[] {
  return [...tableParts(flowsTable, flows), ...tableParts(dnsTable, dns)];
}

function tableParts(table: RecordTable, records: (OffsetRecords & Records) | undefined): TablePart[] {
  if (!records || records.rows === 0) return [];
  return [{ table: table.name, records, content: encodeRecords(table.fields, records) }];
}

/** The names of each table's fields. */
const fieldNames = new Map(recordTables.map(({ name, fields }) => [name, fields.map((field) => field.name)]));

type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;

function connect(directory: string): ClickHouseClient {
  return createClient({
    // The same interface, declared in two copies of the client's common types.
    connection: createChdbConnection({ path: directory }) as unknown as Connection,
    log: { level: ClickHouseLogLevel.OFF },
  });
}

async function select<Row>(
  client: ClickHouseClient,
  sql: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<Row[]> {
  try {
    const result = await client.query({ query: sql, format: 'JSONEachRow', query_params: { ...parameters } });
    return await result.json<Row>();
  } catch (error) {
    throw toStoreError(error);
  }
}

/** Each offset that stands in a block, with its partition. */
function offsetsOf(parts: readonly TablePart[]): string[] {
  const offsets = new Set<string>();
  for (const { rows, columns } of parts.map(({ records }) => records)) {
    for (let row = 0; row < rows; row++) {
      offsets.add(`${columns.transport_partition[row]}/${columns.transport_offset[row]}`);
    }
  }
  return [...offsets];
}

const offsetColumns = 'transport_partition, transport_offset';

/**
 * A spool file holds one record batch and is inserted as one block, of which the engine makes one part for each
 * of the table's partitions; however many days the records touch.
 */
function insertAll(table: string, file: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) SETTINGS max_partitions_per_insert_block = 0
    SELECT ${columns.join(', ')} FROM ${arrowFile(file)}`;
}

/**
 * Inserts the rows of a block that are not stored yet. A part is stored whole or not at all, so one stored row of
 * an offset tells of all its rows in the same partition of the table.
 */
function insertMissing(table: string, file: string, columns: readonly string[]): string {
  return `${insertAll(table, file, columns)}
    WHERE (${tablePartition}, ${offsetColumns}) NOT IN (
      SELECT ${tablePartition}, ${offsetColumns} FROM ${table}
      WHERE (${offsetColumns}) IN (SELECT ${offsetColumns} FROM ${arrowFile(file)}))`;
}

function arrowFile(file: string): string {
  return `file('${file}', 'ArrowStream')`;
}

function toStoreError(error: unknown): Error {
  if (error instanceof StoreError || error instanceof RangeError) return error;
  if (!(error instanceof Error)) return new StoreError(String(error));
  // An engine's error carries ClickHouse's number as text; Node's carry a name such as ENOSPC.
  const code = 'code' in error ? Number(error.code) : NaN;
  return new StoreError(error.message, { cause: error, code: Number.isNaN(code) ? undefined : code });
}
