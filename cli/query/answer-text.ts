import { bytesText, microsText } from '../flow-table/cells.js';
import { formatTable } from '../table/format.js';
import { jsonText } from '../table/printable.js';

/** What `POST /api/v1/query` answers. */
export interface QueryAnswer {
  readonly columns: readonly QueryColumn[];
  readonly rows: readonly (readonly QueryValue[])[];
  readonly truncated: boolean;
}

export interface QueryColumn {
  readonly name: string;
  readonly type: 'time' | 'string' | 'boolean' | 'number';
  readonly role: 'time' | 'group' | 'metric';
  readonly unit?: string;
}

export type QueryValue = string | number | boolean | null;

/** An answer as a table for people: amounts with units, and a line if there was more. */
export function queryTable({ columns, rows, truncated }: QueryAnswer): string {
  const header = columns.map(({ name }) => name.toUpperCase());
  const numbers = columns.flatMap(({ type }, index) => (type === 'number' ? [index] : []));
  const texts = rows.map((row) => row.map((value, index) => valueText(value, columns[index])));
  const table = formatTable(header, texts, numbers);
  return truncated ? `${table}\nThere are more groups; --limit shows them.` : table;
}

/** An answer as a record a line. */
export function queryLines({ columns, rows }: QueryAnswer): string {
  return rows
    .map((row) => jsonText(Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null]))))
    .join('\n');
}

/** A value with its unit; a dash where there is none. */
export function valueText(value: QueryValue, column: QueryColumn | undefined): string {
  if (value === null || value === '') return '-';
  if (column?.type !== 'number') return String(value);
  const number = Number(value);
  switch (column.unit) {
    case 'bytes':
      return bytesText(Math.round(number));
    case 'bytes/s':
      return `${bytesText(Math.round(number))}/s`;
    case 'microseconds':
      return microsText(Math.round(number));
    default:
      return Number.isInteger(number) ? String(value) : number.toPrecision(4);
  }
}
