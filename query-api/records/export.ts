import { Readable } from 'node:stream';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { runTask } from '@sonde/query/context/query-context';
import { readAllRecords, type RecordListing } from '@sonde/query/records/pages';
import type { RecordJson } from '@sonde/query/records/record-json';
import { RecordsArrow } from '@sonde/query/records/records-arrow';
import { recordsCsvHeader, recordsCsvTask } from '@sonde/query/records/records-csv';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ARROW_MEDIA_TYPE, CSV_MEDIA_TYPE } from '../http/media-types.js';

/** Formats of exports, with their media types. */
export const exportFormats = { csv: CSV_MEDIA_TYPE, arrow: ARROW_MEDIA_TYPE } as const;
export type ExportFormat = keyof typeof exportFormats;

/**
 * Streams all records of a listing as CSV or Arrow, page by page as fast as the client reads. An error before the first
 * page is a problem; a later one aborts the response, so that clients do not take a part for the whole.
 */
export async function sendExport(
  request: FastifyRequest,
  reply: FastifyReply,
  { format, limit, ...listing }: RecordListing & { format: ExportFormat; limit: number | undefined },
): Promise<FastifyReply> {
  const pages = readAllRecords(request.queryContext, listing, limit);
  const first = await pages.next();
  const parts = encode(request, format, listing.fields, prepend(first, pages));
  return reply
    .type(exportFormats[format])
    .header('content-disposition', `attachment; filename="${listing.query.kind}.${format}"`)
    .send(Readable.from(parts, { objectMode: false }));
}

async function* prepend<Item>(first: IteratorResult<Item, void>, rest: AsyncIterable<Item>) {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

async function* encode(
  request: FastifyRequest,
  format: ExportFormat,
  fields: readonly FieldDeclaration[],
  pages: AsyncIterable<readonly RecordJson[]>,
): AsyncGenerator<Buffer> {
  const context = request.queryContext;
  const arrow = format === 'arrow' ? new RecordsArrow(fields) : undefined;
  yield Buffer.from(arrow ? arrow.start : recordsCsvHeader(fields));
  request.rowCount = 0;
  for await (const rows of pages) {
    request.rowCount += rows.length;
    const part = await (arrow
      ? runTask(context, arrow.batchTask(rows))
      : runTask(context, recordsCsvTask(fields, rows)));
    if (part.length > 0) yield Buffer.from(part as string);
  }
  if (arrow) yield Buffer.from(arrow.end);
}
