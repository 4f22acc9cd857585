import { type QueryParameters, StoreError } from '../store.js';

/** The SQL interface that migrations and partition ownership use. */
export interface SqlEngine {
  command(sql: string): Promise<void>;
  query<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>;
}

/** A string as a SQL literal, for places that accept no parameter. */
export function quoted(value: string): string {
  return `'${value.replaceAll(/[\\']/g, '\\$&')}'`;
}

/**
 * Parses the rows of a `JSONEachRow` result: one JSON object per line.
 * @throws StoreError if the result is something else, for example a proxy's error page.
 */
export function parseJsonRows<Row>(result: Uint8Array): Row[] {
  const lines = new TextDecoder().decode(result).trimEnd();
  if (lines === '') return [];
  try {
    return JSON.parse(`[${lines.replaceAll('\n', ',')}]`) as Row[];
  } catch (error) {
    throw new StoreError(`the store returned a result that is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
