import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyPluginCallback } from 'fastify';
import type { Registry } from 'prom-client';
import { healthzRoute } from './healthz.js';
import { metricsRoute } from './metrics.js';
import { openapiRoute } from './openapi.js';
import { readyzRoute } from './readyz.js';

/** Health, metrics and the description of the API itself. */
export const operationsPlugin: FastifyPluginCallback<{ store: FlowStore; registry: Registry }> = (
  server,
  { store, registry },
  done,
) => {
  healthzRoute(server);
  readyzRoute(server, store);
  metricsRoute(server, registry);
  openapiRoute(server);
  done();
};
