import path from 'node:path';
import { Readable } from 'node:stream';
import { drainPending, Session } from 'chdb';
import type { Logger } from 'pino';
import { type DirectoryLock, lockDirectory } from '../../files/directory-lock.js';
import type { StoredOffset } from '../../transport/interface/transport.js';
import { tableBlocks } from '../arrow/table-blocks.js';
import { type InsertTarget, insertRows, notStored, offsetColumns } from '../progress/insert-statement.js';
import { offsetRanges } from '../progress/offset-ranges.js';
import { insertProgress, readEpochs } from '../progress/writer-epochs.js';
import { upgradeTables } from '../schema/migrations.js';
import { recordTables } from '../schema/record-tables.js';
import { ON_ONE_SERVER } from '../schema/table-definition.js';
import { toStoreError } from '../sql/engine-error.js';
import { parseJsonRows } from '../sql/sql-engine.js';
import { SqlStore } from '../engine/sql-store.js';
import {
  type FlowStore,
  type QueryOptions,
  type QueryParameters,
  type RecordBlock,
  type ResultFormat,
  StoreError,
} from '../store.js';
import { ArrowSpool } from './arrow-spool.js';
import { ChdbQueryPool } from './query-pool.js';
import { createDirectory } from '../../files/create-directory.js';

/**
 * The approximate number of similarly sized parts that a merge combines; the engine's default is 5. Merging a row costs
 * three times as much as inserting it, and with this value rows are merged a third less often
 * (docs/decisions/0001-flows-table.md).
 */
const MERGED_PARTS = 12;

export interface ChdbStoreOptions {
  /** The directory of all files; created if it does not exist. One process can use it at a time. */
  readonly directory: string;
  /** How many whole days records are kept; forever if absent. */
  readonly retentionDays?: number;
  readonly log: Logger;
}

/**
 * Opens a store on ClickHouse's engine in this process. A block is first written to the spool, where it survives a
 * crash, and then read by the engine. Blocks that a crash left in the spool are inserted before this resolves, without
 * duplicating rows that the engine already has.
 * @throws StoreError if another process uses the directory, or if the engine cannot open it.
 */
export async function openChdbStore(options: ChdbStoreOptions): Promise<FlowStore> {
  const directory = path.resolve(options.directory);
  if (/[*?{}'"\\]/.test(directory)) {
    throw new StoreError(
      `${directory}: the path of a data directory must not contain * ? { } ' " or \\; use another path`,
    );
  }
  let lock: DirectoryLock | undefined;
  let store: ChdbStore | undefined;
  try {
    await createDirectory(directory);
    lock = lockDirectory(directory);
    const spool = await ArrowSpool.open(path.join(directory, 'spool'));
    store = new ChdbStore(path.join(directory, 'chdb'), spool, lock, options);
    await store.insertSpooledBlocks();
    return store;
  } catch (error) {
    if (store) await store.close();
    else lock?.release();
    throw toStoreError(error);
  }
}

/** This process is the only writer, so writers need no names. */
const WRITER = '';

class ChdbStore extends SqlStore {
  /** A session runs one statement at a time, so writes have their own. */
  readonly #writer: Session;
  readonly #readers: ChdbQueryPool;
  /** Whether the spool may contain a block whose insert failed. */
  #hasSpooledBlocks = false;

  constructor(
    engineDirectory: string,
    private readonly spool: ArrowSpool,
    private readonly lock: DirectoryLock,
    private readonly options: ChdbStoreOptions,
  ) {
    super();
    this.#writer = new Session(engineDirectory);
    this.#readers = new ChdbQueryPool(engineDirectory);
  }

  /** Inserts the blocks that a crash or a failed insert left in the spool. */
  async insertSpooledBlocks(): Promise<void> {
    for (const block of await this.spool.blocks()) {
      for (const { table, file } of block.parts) await this.#insertSpooledPart(table, file);
      await this.spool.remove(block);
      this.options.log.warn(
        { block: block.directory },
        'inserted a block that an interrupted insert had left in the spool',
      );
    }
    this.#hasSpooledBlocks = false;
  }

  protected async upgrade(): Promise<void> {
    await upgradeTables(this.engine, ON_ONE_SERVER, this.options.retentionDays);
    for (const { name } of recordTables) {
      await this.command(`ALTER TABLE ${name} MODIFY SETTING merge_selector_base = ${MERGED_PARTS}`);
    }
  }

  /** This process is the only writer, so there are no epochs. */
  protected async acquire(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>> {
    const epochs = await readEpochs(this.engine, WRITER, partitions);
    const byPartition = new Map(epochs.map((epoch) => [epoch.partition, epoch]));
    const highest = await this.highestOffsets();
    for (const partition of partitions) {
      const storedTo = highest.get(partition) ?? -1;
      // Batches without a stream leave no progress.
      const progress = byPartition.get(partition) ?? { storedTo, writingTo: storedTo, streams: [] };
      this.stored.set(partition, progress);
      this.inDoubt.add(partition, Math.max(storedTo, progress.writingTo));
    }
    return new Map(partitions.map((partition) => [partition, this.stored.of(partition)]));
  }

  protected async insertBlock(block: RecordBlock): Promise<void> {
    const parts = tableBlocks(block);
    if (parts.length === 0) return;
    const ranges = offsetRanges(block);
    try {
      if (this.#hasSpooledBlocks) await this.insertSpooledBlocks();
      if (block.messages?.some(({ source }) => source))
        await this.command(insertProgress(WRITER, new Map(), this.stored, ranges));
      const spooled = await this.spool.write(
        parts.map(({ table, content }) => ({ table: table.name, content })),
      );
      const insert = this.inDoubt.concern(ranges) ? insertMissing : insertAll;
      try {
        for (const [index, { table, fields }] of parts.entries()) {
          const file = spooled.parts[index]?.file ?? '';
          const columns = fields.map(({ name }) => name);
          await this.command(insert(table, file, columns));
        }
        await this.spool.remove(spooled);
      } catch (error) {
        this.#hasSpooledBlocks = true;
        for (const [partition, { last }] of ranges) this.inDoubt.add(partition, last);
        throw error;
      }
      this.stored.settle(block, ranges);
      this.inDoubt.settle(ranges);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  protected async insertJson(
    insert: (source: string) => string,
    structure: string,
    rows: string,
  ): Promise<void> {
    const sql = insert("format('JSONEachRow', {structure:String}, {rows:String})");
    await this.command(sql, { structure, rows });
  }

  protected async command(sql: string, parameters?: QueryParameters): Promise<void> {
    try {
      if (parameters) await this.#writer.queryBindAsync(sql, parameters, { format: 'Null' });
      else await this.#writer.queryAsync(sql, { format: 'Null' });
    } catch (error) {
      throw toStoreError(error);
    }
  }

  protected read(
    sql: string,
    parameters: QueryParameters | undefined,
    options: QueryOptions | undefined,
  ): Promise<Uint8Array> {
    return this.#readers.read(sql, parameters, 'JSONEachRow', options);
  }

  /** The engine returns a result only as a whole. */
  protected async readStream(
    sql: string,
    parameters: QueryParameters,
    format: ResultFormat,
    options: QueryOptions | undefined,
  ): Promise<Readable> {
    return Readable.from([await this.#readers.read(sql, parameters, format, options)]);
  }

  protected async closeEngine(): Promise<void> {
    await this.#readers.close();
    this.#writer.close();
    await drainPending();
    this.lock.release();
  }

  async #insertSpooledPart(table: string, file: string): Promise<void> {
    try {
      const describe = `DESCRIBE TABLE ${arrowFile(file)}`;
      const result = await this.#writer.queryAsync(describe, { format: 'JSONEachRow' });
      const columns = parseJsonRows<{ name: string }>(result.bytes()).map(({ name }) => name);
      await this.command(insertMissing({ name: table }, file, columns));
    } catch (error) {
      const reason = toStoreError(error);
      throw new StoreError(`cannot insert ${file}, left by an interrupted insert: ${reason.message}`, {
        cause: error,
      });
    }
  }
}

function insertAll(table: InsertTarget, file: string, columns: readonly string[]): string {
  return insertRows(table, columns, arrowFile(file));
}

function insertMissing(table: InsertTarget, file: string, columns: readonly string[]): string {
  const rows = arrowFile(file);
  const offsets = `(${offsetColumns}) IN (SELECT ${offsetColumns} FROM ${rows})`;
  const times = `start_time >= (SELECT min(start_time) FROM ${rows}) AND start_time <= (SELECT max(start_time) FROM ${rows})`;
  return insertRows(table, columns, rows, [notStored(table, offsets, times)]);
}

function arrowFile(file: string): string {
  return `file('${file}', 'ArrowStream')`;
}
