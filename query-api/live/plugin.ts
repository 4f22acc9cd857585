import type { FastifyInstance, FastifyPluginCallback } from 'fastify';
import type { CurrentSecurity } from '../access/current-security.js';
import { onResponseEnd } from '../http/client-disconnect.js';
import { endOnAccessChange } from './end-on-access-change.js';
import type { LiveFeed } from './feed.js';
import { LiveHub } from './hub.js';
import { invalidQuery } from '@sonde/query/errors';
import {
  recordQuerySchema,
  parseFilterParameter,
  type RecordKind,
  tableOf,
} from '@sonde/query/records/record-query';
import { fieldsSchema, parseFields } from '@sonde/query/records/selected-fields';

/** What live streams need. */
export interface LiveOptions {
  readonly feed: LiveFeed;
  /** The access configuration, if there is authentication. */
  readonly security: CurrentSecurity | undefined;
}

/** Streams of new flows and DNS lookups. */
export const livePlugin: FastifyPluginCallback<LiveOptions> = (server, { feed, security }, done) => {
  const hub = new LiveHub(feed);
  server.addHook('preClose', (closed) => {
    hub.close();
    closed();
  });
  liveRoute(server, { path: '/api/v1/flows/live', kind: 'flows', hub, security });
  liveRoute(server, { path: '/api/v1/dns/live', kind: 'dns', hub, security });
  done();
};

interface LiveRoute {
  readonly path: string;
  readonly kind: RecordKind;
  readonly hub: LiveHub;
  readonly security: CurrentSecurity | undefined;
}

interface Parameters {
  readonly filter: string;
  readonly fields: string;
}

/** `GET path`: new records as server-sent events. */
function liveRoute(server: FastifyInstance, { path, kind, hub, security }: LiveRoute): void {
  const { fields } = tableOf[kind];
  server.get<{ Querystring: Parameters }>(
    path,
    { schema: SCHEMA, config: { stream: true } },
    (request, reply) => {
      const { filter: text, fields: names } = request.query;
      const filter = parseFilterParameter(text, fields);
      if (!('kind' in filter)) throw invalidQuery([filter]);
      const selected = parseFields(names, fields);
      const subscriber = hub.open({ kind, filter, fields: selected, access: request.access }, text);
      onResponseEnd(request, reply, () => subscriber.stream.destroy());
      endOnAccessChange(subscriber, request.access, {
        refresh: () => request.refreshAccess(),
        onChange: (listener) => security?.onChange(listener) ?? (() => undefined),
      });
      return reply
        .type('text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(subscriber.stream);
    },
  );
}

const SCHEMA = {
  summary: 'Streams new records as server-sent events',
  description:
    'Each event without a name is a record in JSON. An event `dropped` reports the number of records (`records`) that ' +
    'were dropped since the previous event because the client or the API could not keep up; `more` is true if further ' +
    'records were dropped that may have matched the filter. The server ends streams from time to time; clients reconnect.',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { filter: recordQuerySchema.filter, fields: fieldsSchema },
  },
  response: {
    200: {
      description: 'The events',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
  },
} as const;
