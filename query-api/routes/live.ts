import type { FastifyInstance } from 'fastify';
import type { CurrentSecurity } from '../access/current-security.js';
import { onResponseEnd } from '../http/client-disconnect.js';
import { endOnAccessChange } from '../live/end-on-access-change.js';
import type { LiveHub } from '../live/hub.js';
import { problemSchema } from '../http/problem.js';
import { invalidQuery } from '@sonde/query/errors';
import { recordQuerySchema, readFilter, type RecordKind, tableOf } from '@sonde/query/records/record-query';
import { fieldsSchema, readFields } from '@sonde/query/records/selected-fields';

/** How the records of a kind are offered as they come. */
export interface LiveRoute {
  readonly path: string;
  readonly kind: RecordKind;
  /** The access configuration, if it can change. */
  readonly security?: CurrentSecurity | undefined;
}

interface Parameters {
  readonly filter: string;
  readonly fields: string;
}

/** `GET path`: records as they come to the store, as server-sent events. */
export function liveRoute(server: FastifyInstance, hub: LiveHub, { path, kind, security }: LiveRoute): void {
  const { fields } = tableOf[kind];
  server.get<{ Querystring: Parameters }>(
    path,
    { schema: SCHEMA, config: { stream: true } },
    (request, reply) => {
      const { filter: text, fields: names } = request.query;
      const filter = readFilter(text, fields);
      if (!('kind' in filter)) throw invalidQuery([filter]);
      const selected = readFields(names, fields);
      const viewer = hub.open({ kind, filter, fields: selected, access: request.access }, text);
      onResponseEnd(request, reply, () => viewer.stream.destroy());
      endOnAccessChange(viewer, request.access, {
        refresh: () => request.refreshAccess(),
        onChange: (listener) => security?.onChange(listener) ?? (() => undefined),
      });
      return reply
        .type('text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(viewer.stream);
    },
  );
}

const SCHEMA = {
  summary: 'Streams new records as server-sent events',
  description:
    'Each event without a name is a record in JSON. An event `dropped` says with `records` how many were left out since ' +
    'the one before, because more came than the client, or the API, could keep up with; `more` that there were others ' +
    'of which it is not known whether they would have passed. The stream ends now and then; ' +
    'clients come back by themselves.',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { filter: recordQuerySchema.filter, fields: fieldsSchema },
  },
  response: {
    200: {
      description: 'The stream',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
