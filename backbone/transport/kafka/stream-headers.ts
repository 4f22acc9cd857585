import type { IHeaders } from 'kafkajs';
import type { StreamPosition } from '../interface/stream-positions.js';

/** A message's headers: where it was in the spool that it came out of. */
export function streamHeaders({ stream, position }: StreamPosition): IHeaders {
  return { 'sonde-stream': stream, 'sonde-position': String(position) };
}

/** What {@link streamHeaders} says; undefined of a message that did not come out of a spool. */
export function parseStreamHeaders(headers: IHeaders | undefined): StreamPosition | undefined {
  const stream = textOf(headers?.['sonde-stream']);
  const position = textOf(headers?.['sonde-position']);
  if (!/^[\w.-]{1,64}$/.test(stream) || !/^\d{1,15}$/.test(position)) return undefined;
  return { stream, position: Number(position) };
}

function textOf(header: IHeaders[string]): string {
  return Buffer.isBuffer(header) || typeof header === 'string' ? header.toString() : '';
}
