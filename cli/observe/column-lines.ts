import type { Paint } from '../flow-table/color.js';
import { aligned } from '../flow-table/lines.js';

/** A record of which some fields were asked for, by their names. */
export type Cells = Readonly<Record<string, unknown>>;

/** Lines of chosen columns: titles, and the records' values below. */
export interface ColumnLines {
  readonly title: string;
  readonly line: (record: Cells) => string;
}

/** A column holds at least so much, where values still to come cannot be known. */
const MIN_WIDTH = 12;

/** Lines of the given columns, wide enough for the records that are there already. */
export function columnLines(names: readonly string[], records: readonly Cells[], paint: Paint): ColumnLines {
  const fields = names.map((name) => name.trim().replace(/^(src|dst)\./, '$1_'));
  const columns = fields.map((field, at) => {
    const title = (names[at] ?? '').trim().toUpperCase();
    const texts = records.map((record) => cellText(record[field]));
    const least = records.length === 0 ? MIN_WIDTH : 0;
    const width = texts.reduce((most, text) => Math.max(most, text.length), Math.max(title.length, least));
    return { field, title, width, isNumber: records.some((record) => typeof record[field] === 'number') };
  });
  const joined = (texts: readonly string[]) =>
    columns
      .map(({ width, isNumber }, at) => aligned(texts[at] ?? '', width, isNumber))
      .join('  ')
      .trimEnd();
  return {
    title: paint('bold', joined(columns.map(({ title }) => title))),
    line: (record) => joined(columns.map(({ field }) => cellText(record[field]))),
  };
}

function cellText(value: unknown): string {
  if (value === undefined || value === '') return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
