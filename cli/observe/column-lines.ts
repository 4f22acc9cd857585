import { type TableColumn, type TableLayout, layoutTable, NAME, widthsOf } from '../table/layout.js';

/** A record with some of its fields, by name. */
export type Cells = Readonly<Record<string, unknown>>;

/** Minimum width of a column for records still to come. */
const MIN_WIDTH = 12;

/** A table of selected fields. */
export interface ColumnTable {
  readonly layout: TableLayout;
  readonly cells: (record: Cells) => string[];
}

/** Lays a table of the given fields out, wide enough for the records that are known. */
export function columnTable(
  names: readonly string[],
  records: readonly Cells[],
  width: number | undefined,
): ColumnTable {
  const fields = names.map((name) => name.trim().replace(/^(src|dst)\./, '$1_'));
  const cells = (record: Cells) => fields.map((field) => cellText(record[field]));
  const columns = fields.map((field, at): TableColumn => ({
    title: (names[at] ?? '').trim().toUpperCase(),
    ...(records.some((record) => typeof record[field] === 'number')
      ? { isNumber: true }
      : { flexible: NAME }),
  }));
  const widths =
    records.length === 0 ? fields.map(() => MIN_WIDTH) : widthsOf(records.map(cells), fields.length);
  return { layout: layoutTable(columns, widths, width), cells };
}

function cellText(value: unknown): string {
  if (value === undefined || value === '') return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
