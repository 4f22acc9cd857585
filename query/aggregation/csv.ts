import { mapTask } from '../limits/cooperative-task.js';
import type { Column, Value } from './column.js';
import type { Table } from './table.js';

/**
 * A task that writes a table as CSV (RFC 4180) with a header; null is empty. Pods control strings such as DNS names, which a spreadsheet
 * could interpret as formulas: such strings are prefixed with an apostrophe
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
export function* csvTask({ columns, rows }: Table): Generator<undefined, string> {
  const header = columns.map(({ name }) => quoted(name));
  const lines = yield* mapTask(rows, (row) =>
    csvLine(columns.map((column, at) => cell(column, row[at] ?? null))),
  );
  return csvLine(header) + lines.join('');
}

function csvLine(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`;
}

function cell({ type }: Column, value: Value): string {
  const text = value === null ? '' : String(value);
  return quoted(type === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
