import { layoutTable, NAME, widthsOf } from './layout.js';

/** Rows as text in aligned columns. Where `width` is given, long values are cut so that lines fit. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { numbers = [], drop = [], width, wrapsLast = false }: TableFormat = {},
): string {
  if (wrapsLast && width !== undefined) return wrappedTable(header, rows, width);
  const columns = header.map((title, at) => ({
    title,
    ...(numbers.includes(at) ? { isNumber: true } : { flexible: NAME }),
    ...(drop.includes(at) ? { drop: drop.length - drop.indexOf(at) } : {}),
  }));
  const layout = layoutTable(columns, widthsOf(rows, header.length), width);
  return [layout.title((_, text) => text), ...rows.map((row) => layout.line(row))].join('\n');
}

export interface TableFormat {
  /** Indexes of the columns of numbers, which end at the right. */
  readonly numbers?: readonly number[];
  /** Indexes of the columns that are left out on narrow terminals, the first one first. */
  readonly drop?: readonly number[];
  /** Characters of a line; undefined if nothing is to be cut. */
  readonly width?: number | undefined;
  /** Whether the last column continues on further lines instead of being cut. */
  readonly wrapsLast?: boolean;
}

/** Minimum width of a column of text that continues on further lines. */
const MIN_TEXT = 20;

function wrappedTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const last = header.length - 1;
  const columns = header.map((title) => ({ title }));
  const widths = widthsOf(rows, header.length);
  const before = widths
    .slice(0, last)
    .reduce((sum, one, at) => sum + Math.max(one, header[at]?.length ?? 0) + 2, 0);
  const room = Math.max(MIN_TEXT, width - before);
  const layout = layoutTable(columns, [...widths.slice(0, last), 0], undefined);
  const lines = rows.flatMap((row) =>
    wrapped(row[last] ?? '', room).map((part, at) =>
      at === 0 ? layout.line([...row.slice(0, last), part]) : `${' '.repeat(before)}${part}`,
    ),
  );
  return [layout.title((_, text) => text), ...lines].join('\n');
}

/** A text in lines of at most so many characters, broken at blanks. */
function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
