import { once } from 'node:events';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { ApiClient } from '../client/api-client.js';
import { fieldsOf } from '../filter/targets.js';
import { printableLines } from '../table/printable.js';
import { recordPages, type RecordKind, type RecordsRequest, type StoredRecord } from '../client/records.js';

export type ExportFormat = 'csv' | 'arrow';

/** Prints the newest matching records, newest first, page by page. @throws ClientError */
export async function printExport(
  client: ApiClient,
  kind: RecordKind,
  request: RecordsRequest,
  format: ExportFormat,
): Promise<void> {
  const fields = selectedFields(kind, request.fields);
  const pages = recordPages(client, kind, request) as AsyncIterable<StoredRecord[]>;
  if (format === 'csv') await print(csvPages(fields, pages));
  else {
    // Loads slowly, and only this format needs it.
    const { arrowPages } = await import('./arrow-export.js');
    await print(arrowPages(fields, pages));
  }
}

/** The fields of a comma-separated list; all if it is empty. The server refuses unknown ones. */
function selectedFields(kind: RecordKind, list: string): readonly FieldDeclaration[] {
  const names = list.split(',').map((name) => name.trim().replace(/^(src|dst)\./, '$1_'));
  if (list.trim() === '') return fieldsOf[kind];
  return names.flatMap((name) => fieldsOf[kind].find((field) => field.name === name) ?? []);
}

/** Records as CSV (RFC 4180) with a line of field names. */
export async function* csvPages(
  fields: readonly FieldDeclaration[],
  pages: AsyncIterable<readonly StoredRecord[]>,
): AsyncGenerator<string> {
  yield `${fields.map(({ name }) => name).join(',')}\r\n`;
  for await (const page of pages) {
    yield page.map((record) => `${fields.map(({ name }) => csvCell(record[name])).join(',')}\r\n`).join('');
  }
}

function csvCell(value: unknown): string {
  const text = typeof value === 'string' ? printableLines(value) : JSON.stringify(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Waits for the reader, so that an export takes no more memory than a page. */
async function print(parts: AsyncIterable<string | Uint8Array>): Promise<void> {
  for await (const part of parts) {
    if (!process.stdout.write(part)) await once(process.stdout, 'drain');
  }
}
