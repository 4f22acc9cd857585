import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client';
import type { EnrichedFlows } from '@sonde/model/flow/batch';
import { flowFields } from '@sonde/model/flow/fields';
import { drainPending } from 'chdb';
import { createChdbConnection } from 'chdb/connection';
import type { Logger } from 'pino';
import { encodeFlows } from './arrow.js';
import { lockDirectory, type DirectoryLock } from './directory-lock.js';
import { upgradeTables } from './migrations.js';
import { flowsPartition, flowsTable } from './schema.js';
import { Spool } from './spool.js';
import { StoreError, type FlowStore } from './store.js';

export interface ChdbStoreOptions {
  /** The directory that holds everything; made if it is not there. One process at a time may use it. */
  readonly directory: string;
  /** Whole days for which flows are kept; without it for ever. */
  readonly retentionDays?: number;
  readonly log: Logger;
}

/**
 * Opens a store on ClickHouse's engine in this process. A block goes through a spool file: first it is made to
 * survive a crash, then the engine reads it from there. Blocks that a crash left in the spool are stored before
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

  async insertFlows(flows: EnrichedFlows): Promise<void> {
    this.#assertOpen();
    if (flows.rows === 0) return;
    const content = encodeFlows(flows);
    const insert = this.#inserts.then(() => this.#storeBlock(flows, content));
    // The caller of a refused block hears of it; those behind it have their turn.
    this.#inserts = insert.catch(() => undefined);
    await insert;
  }

  async highestOffsets(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.query<{ partition: number; offset: string }>(
      `SELECT transport_partition AS partition, max(transport_offset) AS offset
       FROM ${flowsTable} GROUP BY transport_partition`,
    );
    return new Map(rows.map(({ partition, offset }) => [partition, Number(offset)]));
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

  async #storeBlock(flows: EnrichedFlows, content: Uint8Array): Promise<void> {
    try {
      if (this.#doubtful.size > 0) await this.#storeLeftBlocks();
      const file = await this.spool.write(content);
      // Only after a failure is it worth looking at each row.
      const offsets = this.#doubtful.size > 0 ? offsetsOf(flows) : [];
      const retried = offsets.some((offset) => this.#doubtful.has(offset));
      try {
        await this.#command(retried ? insertMissing(file, fieldNames) : insertAll(file, fieldNames));
        await this.spool.remove(file);
      } catch (error) {
        for (const offset of offsetsOf(flows)) this.#doubtful.add(offset);
        throw error;
      }
      for (const offset of offsets) this.#doubtful.delete(offset);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async #storeLeftBlocks(): Promise<void> {
    for (const file of await this.spool.files()) {
      try {
        const described = await select<{ name: string }>(this.#writer, `DESCRIBE TABLE ${arrowFile(file)}`);
        const columns = described.map((column) => column.name);
        await this.#command(insertMissing(file, columns));
      } catch (error) {
        const reason = toStoreError(error);
        throw new StoreError(`cannot store ${file}, left by an interrupted insert: ${reason.message}`, {
          cause: error,
        });
      }
      await this.spool.remove(file);
      this.options.log.warn({ file }, 'stored a block that an interrupted insert had left in the spool');
    }
  }

  async #command(sql: string): Promise<void> {
    try {
      await this.#writer.command({ query: sql });
    } catch (error) {
      throw toStoreError(error);
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('the store is closed');
  }
}

const fieldNames = flowFields.map((field) => field.name);

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
function offsetsOf({ rows, columns }: EnrichedFlows): string[] {
  const offsets = new Set<string>();
  for (let row = 0; row < rows; row++) {
    offsets.add(`${columns.transport_partition[row]}/${columns.transport_offset[row]}`);
  }
  return [...offsets];
}

/**
 * A spool file holds one record batch and is inserted as one block, of which the engine makes one part for each
 * of the table's partitions; however many days the flows touch.
 */
function insertAll(file: string, columns: readonly string[]): string {
  return `INSERT INTO ${flowsTable} (${columns.join(', ')}) SETTINGS max_partitions_per_insert_block = 0
    SELECT ${columns.join(', ')} FROM ${arrowFile(file)}`;
}

/**
 * Inserts the rows of a block that are not stored yet. A part is stored whole or not at all, so one stored row of
 * an offset tells of all its rows in the same partition of the table.
 */
function insertMissing(file: string, columns: readonly string[]): string {
  const offset = 'transport_partition, transport_offset';
  return `${insertAll(file, columns)}
    WHERE (${flowsPartition}, ${offset}) NOT IN (
      SELECT ${flowsPartition}, ${offset} FROM ${flowsTable}
      WHERE (${offset}) IN (SELECT ${offset} FROM ${arrowFile(file)}))`;
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
