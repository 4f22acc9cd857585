import type { QueryParameters } from '../store.js';

/** The SQL interface that migrations and partition ownership use. */
export interface SqlEngine {
  command(sql: string): Promise<void>;
  query<Row>(sql: string, parameters?: QueryParameters): Promise<Row[]>;
}

/** A string as a SQL literal, for places that accept no parameter. */
export function quoted(value: string): string {
  return `'${value.replaceAll(/[\\']/g, '\\$&')}'`;
}

/** Parses the rows of a `JSONEachRow` result: one JSON object per line. */
export function parseJsonRows<Row>(result: Uint8Array): Row[] {
  const lines = new TextDecoder().decode(result).trimEnd();
  return lines === '' ? [] : (JSON.parse(`[${lines.replaceAll('\n', ',')}]`) as Row[]);
}
