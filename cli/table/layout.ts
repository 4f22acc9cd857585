import type { Paint } from './color.js';

/** A column of a table. Columns that are neither flexible nor droppable always have their full width. */
export interface TableColumn {
  readonly title: string;
  /** Numbers end at the right. */
  readonly isNumber?: boolean;
  /** Long values may be cut with `…`, down to `min`, but below `preferred` only when no column is left to drop. */
  readonly flexible?: { readonly preferred: number; readonly min: number };
  /** Where the terminal is too narrow, the column with the highest number is left out first. */
  readonly drop?: number;
}

/** Lines of aligned cells, two blanks apart. */
export interface TableLayout {
  title(paint: Paint): string;
  /** A line of cells; `paintCell` colors the text of a column. */
  line(cells: readonly string[], paintCell?: (text: string, column: number) => string): string;
}

/** The flexible width of names: namespaces, workloads, domains. */
export const NAME = { preferred: 18, min: 8 } as const;

const GAP = '  ';

/**
 * Lays columns out to the widths of their values, `widths`, within a terminal of `limit` characters; undefined if there
 * is no terminal, so that nothing is cut. Columns for which `isShown` is false are left out.
 */
export function layoutTable(
  columns: readonly TableColumn[],
  widths: readonly number[],
  limit: number | undefined,
  isShown: (column: number) => boolean = () => true,
): TableLayout {
  const natural = columns.map(({ title }, at) => Math.max(title.length, widths[at] ?? 0));
  const candidates = [...columns.keys()].filter(isShown);
  const fitted = fit(columns, natural, candidates, limit ?? Infinity);
  const shown = columns.flatMap((column, at) => {
    const width = fitted[at];
    return width === undefined ? [] : [{ column, at, width }];
  });
  const joined = (cells: readonly string[], paintCell = (text: string, _column: number) => text) =>
    shown
      .map(({ column: { isNumber = false }, at, width }) =>
        paintCell(
          aligned(limit === undefined ? (cells[at] ?? '') : cutName(cells[at] ?? '', width), width, isNumber),
          at,
        ),
      )
      .join(GAP)
      .trimEnd();
  return {
    title: (paint) => paint('bold', joined(columns.map(({ title }) => title))),
    line: joined,
  };
}

/** The widths that the values of some rows have, by column. */
export function widthsOf(rows: readonly (readonly string[])[], columns: number): number[] {
  return Array.from({ length: columns }, (_, at) =>
    rows.reduce((width, row) => Math.max(width, (row[at] ?? '').length), 0),
  );
}

/** A text of at most so many characters, with `…` in place of the rest. */
export function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}

/** The same for names: of `namespace/name` the namespace is cut first, `store…/frontend`. */
function cutName(text: string, width: number): string {
  const excess = text.length - width;
  const [, before = '', namespace = '', rest = ''] =
    /^((?:service |node )?)([^ /]+)(\/[^ ]*)$/.exec(text) ?? [];
  if (excess <= 0 || namespace.length < 3) return cut(text, width);
  const kept = namespace.length - excess - 1;
  return kept > 0 ? `${before}${namespace.slice(0, kept)}…${rest}` : cut(`…${rest}`, width);
}

/** A text with blanks to a width; numbers end at the right. */
export function aligned(text: string, width: number, isNumber: boolean): string {
  return isNumber ? text.padStart(width) : text.padEnd(width);
}

/** Widths by column, undefined for columns that are left out. */
function fit(
  columns: readonly TableColumn[],
  natural: readonly number[],
  candidates: readonly number[],
  limit: number,
): (number | undefined)[] {
  const shown = new Set(candidates);
  for (;;) {
    const preferred = shrink(columns, natural, shown, limit, 'preferred');
    const droppable = [...shown].filter((at) => columns[at]?.drop !== undefined);
    const isLast = droppable.length === 0;
    const widths =
      total(preferred, shown) <= limit || !isLast ? preferred : shrink(columns, natural, shown, limit, 'min');
    if (total(widths, shown) <= limit || isLast)
      return widths.map((width, at) => (shown.has(at) ? width : undefined));
    const [first = 0] = droppable.sort((a, b) => (columns[b]?.drop ?? 0) - (columns[a]?.drop ?? 0));
    shown.delete(first);
  }
}

/** Takes from the widest flexible column until the row fits or all are at their floor. */
function shrink(
  columns: readonly TableColumn[],
  natural: readonly number[],
  shown: ReadonlySet<number>,
  limit: number,
  floor: 'preferred' | 'min',
): number[] {
  const widths = [...natural];
  const flexible = [...shown].filter((at) => columns[at]?.flexible);
  for (let excess = total(widths, shown) - limit; excess > 0; excess--) {
    const [widest] = flexible
      .filter((at) => (widths[at] ?? 0) > Math.max(columns[at]?.flexible?.[floor] ?? 0, 1))
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest === undefined) return widths;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function total(widths: readonly number[], shown: ReadonlySet<number>): number {
  return [...shown].reduce((sum, at) => sum + (widths[at] ?? 0), 0) + GAP.length * (shown.size - 1);
}
