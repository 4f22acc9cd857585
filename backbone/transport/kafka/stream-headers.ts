import type { IHeaders } from 'kafkajs';
import type { StreamPosition } from '../interface/stream-positions.js';

/** The headers of a message with its position in its spool. */
export function streamHeaders({ stream, position }: StreamPosition): IHeaders {
  return { 'sonde-stream': stream, 'sonde-position': String(position) };
}

/** Parses {@link streamHeaders}; undefined if the message did not come from a spool. */
export function parseStreamHeaders(headers: IHeaders | undefined): StreamPosition | undefined {
  const stream = headerString(headers?.['sonde-stream']);
  const position = headerString(headers?.['sonde-position']);
  if (!/^[\w.-]{1,64}$/.test(stream) || !/^\d{1,15}$/.test(position)) return undefined;
  return { stream, position: Number(position) };
}

function headerString(header: IHeaders[string]): string {
  return Buffer.isBuffer(header) || typeof header === 'string' ? header.toString() : '';
}
