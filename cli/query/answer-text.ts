import { bytesText, microsText } from '../flow-table/cells.js';
import { formatTable } from '../table/format.js';
import { jsonText } from '../table/printable.js';

/** The response of `POST /api/v1/query`. */
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

/**
 * An answer as a table with units. With the metrics of all records, `total`, it has the share of the first metric, and a
 * row for the groups that are not listed.
 */
export function queryTable(
  { columns, rows, truncated }: QueryAnswer,
  total: readonly QueryValue[] | undefined,
  width: number | undefined,
): string {
  if (rows.length === 0) return 'No records match.';
  const first = columns.findIndex(({ role }) => role === 'metric');
  const whole = Number(total?.[0] ?? 0);
  const withShare = (cells: readonly string[], share: string) =>
    total ? cells.toSpliced(first + 1, 0, share) : [...cells];
  const cellsOf = (row: readonly QueryValue[]) => row.map((value, index) => valueText(value, columns[index]));
  const texts = rows.map((row) => withShare(cellsOf(row), shareText(Number(row[first]), whole)));
  const rest = whole - rows.reduce((sum, row) => sum + Number(row[first]), 0);
  if (total && truncated && rest > 0) {
    const cells = columns.map((column, at) =>
      at === 0 ? '(others)' : at === first ? valueText(rest, column) : '',
    );
    texts.push(withShare(cells, shareText(rest, whole)));
  }
  const header = withShare(
    columns.map(({ name }) => name.toUpperCase()),
    'SHARE',
  );
  const numbers = withShare(
    columns.map(({ type }) => type),
    'number',
  ).flatMap((type, index) => (type === 'number' ? [index] : []));
  const table = formatTable(header, texts, { numbers, width });
  return truncated && !total ? `${table}\nThere are more groups: raise --limit.` : table;
}

/** A part of a whole in percent: `12.5%`. */
export function shareText(part: number, whole: number): string {
  if (Number.isNaN(part)) return '';
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : '-';
}

/** An answer with one JSON object per line. */
export function queryLines({ columns, rows }: QueryAnswer): string {
  return rows
    .map((row) => jsonText(Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null]))))
    .join('\n');
}

/** A value with its unit; a dash if there is none. */
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
