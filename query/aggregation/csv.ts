import type { Column, Value } from './column.js';
import type { Table } from './table.js';

/**
 * A table as CSV (RFC 4180) with a header; null is empty. Pods control strings such as DNS names, which a spreadsheet
 * could interpret as formulas: such strings are prefixed with an apostrophe
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
export function tableCsv({ columns, rows }: Table): string {
  const header = columns.map(({ name }) => quoted(name));
  const lines = rows.map((row) => columns.map((column, at) => cell(column, row[at] ?? null)));
  return [header, ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

function cell({ type }: Column, value: Value): string {
  const text = value === null ? '' : String(value);
  return quoted(type === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
