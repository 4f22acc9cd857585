import type { EnrichedFlows } from '@sonde/model/flow/batch';

/** Where flows are kept: ClickHouse over HTTP, or chDB in the process. */
export interface FlowStore {
  /** Creates or upgrades the tables. Safe to repeat. */
  migrate(): Promise<void>;

  /** Writes rows; when it resolves, they survive a crash and can be queried. */
  insertFlows(flows: EnrichedFlows): Promise<void>;

  /** The highest stored offset of each transport partition: where an enricher resumes. */
  highestOffsets(): Promise<ReadonlyMap<number, number>>;

  /**
   * Runs a SELECT. Values go in `parameters` (ClickHouse's `{name:Type}` placeholders), never into the text.
   * @throws StoreError with the engine's message.
   */
  query<Row>(sql: string, parameters?: Readonly<Record<string, unknown>>): Promise<Row[]>;

  /** Finishes what is under way and lets go of the engine and its files. */
  close(): Promise<void>;
}

/** The store refused or failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
