/** Rows as CSV (RFC 4180) with a header of all their fields. */
export function toCsv(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => names.map((name) => cell(row[name])).join(','));
  return [names.map(cell).join(','), ...lines, ''].join('\r\n');
}

/** Downloads rows as a CSV file: exactly those that are shown. */
export function downloadCsv(fileName: string, rows: readonly Readonly<Record<string, unknown>>[]): void {
  download(fileName, new Blob([toCsv(rows)], { type: 'text/csv' }));
}

/** Downloads a blob under a name. */
export function download(fileName: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href: url, download: fileName });
  link.click();
  URL.revokeObjectURL(url);
}

function cell(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  // Spreadsheets run cells that begin like formulas; a leading apostrophe makes them text.
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
