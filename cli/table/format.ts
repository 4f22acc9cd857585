/** Rows as text in aligned columns, two blanks apart; the last column is as long as it needs. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  /** The places of columns of numbers, which end at the right. */
  numbers: readonly number[] = [],
): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return numbers.includes(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
