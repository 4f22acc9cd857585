import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import { drainPending, Session } from 'chdb';
import type { Logger } from 'pino';
import type { StoredOffset } from '../../transport/interface/transport.js';
import { ChdbQueryPool } from './query-pool.js';
import {
  confirmObjectRows,
  insertObjectRows,
  objectRows,
  objectRowsStructure,
} from '../schema/cluster-objects.js';
import { lockDirectory, type DirectoryLock } from '../../files/directory-lock.js';
import { InDoubtOffsets } from '../progress/in-doubt-offsets.js';
import { toStoreError } from '../sql/engine-error.js';
import { SerialQueue } from '../sql/serial-queue.js';
import { insertRows, type InsertTarget, notStored, offsetColumns } from '../progress/insert-statement.js';
import { parseJsonRows } from '../sql/sql-engine.js';
import { upgradeTables } from '../schema/migrations.js';
import { insertProgress, readEpochs } from '../progress/writer-epochs.js';
import { offsetRanges } from '../progress/offset-ranges.js';
import { tableBlocks } from '../arrow/table-blocks.js';
import { highestOffsetsQuery, recordTables } from '../schema/record-tables.js';
import { ArrowSpool } from './arrow-spool.js';
import {
  type ResultFormat,
  type FlowStore,
  type QueryOptions,
  type QueryParameters,
  type RecordBlock,
  StoreError,
} from '../store.js';
import { StoredOffsets } from '../progress/stored-offsets.js';
import { ON_ONE_SERVER } from '../schema/table-definition.js';

/**
 * About how many parts of like size are merged into one; the engine's own choice is 5. Merging a row costs three times
 * what inserting it does, and this makes rows be merged a third less often (docs/decisions/0001-flows-table.md).
 */
const MERGED_PARTS = 12;

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
    const spool = await ArrowSpool.open(path.join(directory, 'spool'));
    store = new ChdbStore(path.join(directory, 'chdb'), spool, lock, options);
    await store.recover();
    return store;
  } catch (error) {
    if (store) await store.close();
    else lock?.release();
    throw toStoreError(error);
  }
}

/** Nobody else writes. */
const WRITER = '';

class ChdbStore implements FlowStore {
  /** A connection runs one statement after the other, so writing has one of its own. */
  readonly #writer: Session;
  readonly #readers: ChdbQueryPool;
  readonly #inserts = new SerialQueue();
  /** Offsets of refused blocks: the engine may hold a part of them. */
  readonly #inDoubt = new InDoubtOffsets();
  readonly #stored = new StoredOffsets();
  /** Whether a refused block may lie in the spool. */
  #left = false;
  #closing: Promise<void> | undefined;

  constructor(
    engineDirectory: string,
    private readonly spool: ArrowSpool,
    private readonly lock: DirectoryLock,
    private readonly options: ChdbStoreOptions,
  ) {
    this.#writer = new Session(engineDirectory);
    this.#readers = new ChdbQueryPool(engineDirectory);
  }

  /** Stores what a crash left in the spool. */
  async recover(): Promise<void> {
    await this.#storeLeftBlocks();
  }

  async migrate(): Promise<void> {
    this.#assertOpen();
    await upgradeTables(this.#engine, ON_ONE_SERVER, this.options.retentionDays);
    for (const { name } of recordTables) {
      await this.#command(`ALTER TABLE ${name} MODIFY SETTING merge_selector_base = ${MERGED_PARTS}`);
    }
  }

  async insert(block: RecordBlock): Promise<void> {
    this.#assertOpen();
    await this.#inserts.run(() => this.#storeBlock(block));
  }

  async highestOffsets(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.query<{ partition: number; offset: string }>(highestOffsetsQuery);
    return new Map(rows.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /** There is one writer, this process; so there are no epochs. */
  async acquirePartitions(partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>> {
    this.#assertOpen();
    if (partitions.length === 0) return new Map();
    return await this.#inserts.run(async () => {
      const claims = await readEpochs(this.#engine, WRITER, partitions);
      const noted = new Map(claims.map((claim) => [claim.partition, claim]));
      const highest = await this.highestOffsets();
      for (const partition of partitions) {
        const stored = highest.get(partition) ?? -1;
        // Nothing is noted of what came without a stream.
        const place = noted.get(partition) ?? { storedTo: stored, writingTo: stored, streams: [] };
        this.#stored.claim(partition, place);
        this.#inDoubt.add(partition, Math.max(stored, place.writingTo));
      }
      return new Map(partitions.map((partition) => [partition, this.#stored.of(partition)]));
    });
  }

  async insertObjects(versions: readonly ObjectVersion[]): Promise<void> {
    this.#assertOpen();
    if (versions.length === 0) return;
    await this.#command(insertObjectRows("format('JSONEachRow', {structure:String}, {rows:String})"), {
      structure: objectRowsStructure,
      rows: objectRows(versions),
    });
  }

  async confirmObjects(cluster: string): Promise<void> {
    this.#assertOpen();
    await this.#command(confirmObjectRows, { cluster });
  }

  async query<Row>(sql: string, parameters?: QueryParameters, options?: QueryOptions): Promise<Row[]> {
    this.#assertOpen();
    return parseJsonRows<Row>(await this.#readers.read(sql, parameters, 'JSONEachRow', options));
  }

  /** The engine gives an answer in this process only as a whole. */
  async queryStream(
    sql: string,
    parameters: QueryParameters,
    format: ResultFormat,
    options?: QueryOptions,
  ): Promise<Readable> {
    this.#assertOpen();
    return Readable.from([await this.#readers.read(sql, parameters, format, options)]);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#inserts.idle();
    await this.#readers.close();
    this.#writer.close();
    await drainPending();
    this.lock.release();
  }

  async #storeBlock(block: RecordBlock): Promise<void> {
    const parts = tableBlocks(block);
    if (parts.length === 0) return;
    const ranges = offsetRanges(block);
    try {
      if (this.#left) await this.#storeLeftBlocks();
      if (block.messages?.some(({ source }) => source))
        await this.#command(insertProgress(WRITER, new Map(), this.#stored, ranges));
      const spooled = await this.spool.write(
        parts.map(({ table, content }) => ({ table: table.name, content })),
      );
      const insert = this.#inDoubt.concern(ranges) ? insertMissing : insertAll;
      try {
        for (const [place, { table, fields }] of parts.entries()) {
          const file = spooled.parts[place]?.file ?? '';
          await this.#command(
            insert(
              table,
              file,
              fields.map(({ name }) => name),
            ),
          );
        }
        await this.spool.remove(spooled);
      } catch (error) {
        this.#left = true;
        for (const [partition, { last }] of ranges) this.#inDoubt.add(partition, last);
        throw error;
      }
      this.#stored.settle(block, ranges);
      this.#inDoubt.settle(ranges);
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
    this.#left = false;
  }

  async #storeLeftPart(table: string, file: string): Promise<void> {
    try {
      const describe = `DESCRIBE TABLE ${arrowFile(file)}`;
      const described = (await this.#writer.queryAsync(describe, { format: 'JSONEachRow' })).bytes();
      const columns = parseJsonRows<{ name: string }>(described).map((column) => column.name);
      await this.#command(insertMissing({ name: table }, file, columns));
    } catch (error) {
      const reason = toStoreError(error);
      throw new StoreError(`cannot store ${file}, left by an interrupted insert: ${reason.message}`, {
        cause: error,
      });
    }
  }

  async #command(sql: string, parameters?: QueryParameters): Promise<void> {
    try {
      if (parameters) await this.#writer.queryBindAsync(sql, parameters, { format: 'Null' });
      else await this.#writer.queryAsync(sql, { format: 'Null' });
    } catch (error) {
      throw toStoreError(error);
    }
  }

  get #engine() {
    return {
      command: (sql: string) => this.#command(sql),
      query: this.query.bind(this),
    };
  }

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('the store is closed');
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
