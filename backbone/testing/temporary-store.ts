import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { enrichedFlows, type FlowRow } from '@sonde/model/flow/build-enriched';
import pino from 'pino';
import { afterEach, beforeEach } from 'vitest';
import { openChdbStore } from '../store/chdb-store.js';
import type { FlowStore } from '../store/store.js';

/** An embedded store in a directory of its own, for one test at a time. */
export interface TemporaryStore {
  readonly directory: string;
  /** The one that was opened last. */
  readonly store: FlowStore;
  /** Opens the directory, whose store must be closed. */
  open(): Promise<void>;
  /** Closes the store and opens the directory again. */
  reopen(): Promise<void>;
  /** Stores flows as one block. */
  readonly insert: (...rows: FlowRow[]) => Promise<void>;
  /** The offset of each flow that is stored. */
  readonly offsetsInOrder: () => Promise<string[]>;
  /** The names of blocks that the engine has not taken yet. */
  readonly spooledBlocks: () => Promise<string[]>;
}

/** Gives each test of a file an empty store with its tables. */
export function useTemporaryStore(): TemporaryStore {
  const log = pino({ level: 'silent' });
  let directory = '';
  let store: FlowStore | undefined;

  async function open(): Promise<void> {
    store = await openChdbStore({ directory, log });
  }

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'sonde-store-'));
    await open();
    await store?.migrate();
  });

  afterEach(async () => {
    await store?.close();
    await rm(directory, { recursive: true });
  });

  const temporary: TemporaryStore = {
    get directory() {
      return directory;
    },
    get store() {
      if (!store) throw new Error('there is a store only while a test runs');
      return store;
    },
    open,
    async reopen() {
      await store?.close();
      await open();
    },
    insert: (...rows) => temporary.store.insert({ flows: enrichedFlows(rows) }),
    async offsetsInOrder() {
      const rows = await temporary.store.query<{ offset: string }>(
        'SELECT transport_offset AS offset FROM flows ORDER BY offset, start_time',
      );
      return rows.map((row) => row.offset);
    },
    spooledBlocks: () => readdir(path.join(directory, 'spool')),
  };
  return temporary;
}
