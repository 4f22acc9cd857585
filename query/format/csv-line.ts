/** The value of a cell; null is empty. */
export type CsvValue = string | number | boolean | null;

/**
 * A line of CSV (RFC 4180) from cells. Pods control strings such as DNS names, which a spreadsheet could interpret as
 * formulas: cells of string columns that could be one are prefixed with an apostrophe
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 * @param isString whether the column of a cell contains strings.
 */
export function csvLine(cells: readonly CsvValue[], isString: (column: number) => boolean): string {
  return `${cells.map((value, column) => csvCell(value, isString(column))).join(',')}\r\n`;
}

function csvCell(value: CsvValue, isString: boolean): string {
  const text = value === null ? '' : String(value);
  const safe = isString && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
