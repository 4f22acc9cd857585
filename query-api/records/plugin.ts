import type { FastifyPluginCallback } from 'fastify';
import { fieldValuesRoute } from './field-values.js';
import { fieldsRoute } from './fields.js';
import { recordPagesRoute } from './record-pages.js';

/** Flows, DNS lookups, their fields and the values of fields. */
export const recordsPlugin: FastifyPluginCallback = (server, _options, done) => {
  recordPagesRoute(server, {
    path: '/api/v1/flows',
    kind: 'flows',
    plural: 'flows',
    summary: 'List flows of a time range, ordered by start time',
    description: 'A flow: one connection on one node in one window',
  });
  recordPagesRoute(server, {
    path: '/api/v1/dns',
    kind: 'dns',
    plural: 'lookups',
    summary: 'List DNS lookups of a time range, ordered by start time',
    description: 'A DNS lookup: one query with its response, as one node observed it',
  });
  fieldsRoute(server);
  fieldValuesRoute(server);
  done();
};
