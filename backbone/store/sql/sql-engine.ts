import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
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

/** Bytes that are parsed before returning to the event loop: about a millisecond of work. */
const SLICE_BYTES = 1 << 16;

/**
 * Parses rows as {@link parseJsonRows} does, in slices between which the event loop runs: parsing the largest results at
 * once would block it for seconds.
 * @throws StoreError if the result is something else.
 */
export async function parseJsonRowsInSlices<Row>(result: Uint8Array): Promise<Row[]> {
  if (result.length <= SLICE_BYTES) return parseJsonRows<Row>(result);
  const rows: Row[] = [];
  for (let start = 0; start < result.length;) {
    const newline = result.indexOf(NEWLINE, start + SLICE_BYTES);
    const end = newline < 0 ? result.length : newline + 1;
    for (const row of parseJsonRows<Row>(result.subarray(start, end))) rows.push(row);
    start = end;
    await yieldToEventLoop();
  }
  return rows;
}

const NEWLINE = '\n'.charCodeAt(0);
