import type { QueryParameters } from './store.js';

/** An engine as migrations and claims need it. */
export interface SqlEngine {
  command(sql: string): Promise<void>;
  query<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>;
}
