import type { Column, Value } from './column.js';
import type { Table } from './table.js';

/**
 * A table as RFC 4180 has it: a header, lines that end with CR LF, nothing for null. Pods choose names, such as those of
 * DNS, that programs for spreadsheets would take for formulas: texts that could be one get an apostrophe before
 * them (https://owasp.org/www-community/attacks/CSV_Injection).
 */
export function tableCsv({ columns, rows }: Table): string {
  const header = columns.map(({ name }) => quoted(name));
  const lines = rows.map((row) => columns.map((column, at) => cell(column, row[at] ?? null)));
  return [header, ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

function cell({ type }: Column, value: Value): string {
  const text = value === null ? '' : String(value);
  return quoted(type === 'text' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
