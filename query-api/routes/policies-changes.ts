import type { FastifyInstance } from 'fastify';
import { checkRange } from '@sonde/query/limits/query-limits';
import { policyChanges } from '@sonde/query/policies/changes';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { referenceProperties } from '@sonde/query/policies/references';
import { problemSchema } from '../http/problem.js';
import { invalidQuery } from '@sonde/query/errors';
import { parseTimeRange, timeRangeSchema } from '@sonde/query/time-range';

interface Parameters {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly limit: number;
}

/** `GET /api/v1/policies/changes`: which policies became otherwise when, by whom, and how. */
export function policiesChangesRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies/changes', { schema }, async (request) => {
    const { from, to, cluster: asked, ...rest } = request.query;
    const range = parseTimeRange({ from, to }, Date.now());
    if (!('from' in range)) throw invalidQuery(range);
    checkRange(range, request.queryContext.limits);
    const cluster = await clusterOf(request.queryContext, asked);
    const { changes, more } = await policyChanges(request.queryContext, { ...rest, cluster, range });
    return {
      cluster,
      from: new Date(range.from).toISOString(),
      to: new Date(range.to).toISOString(),
      ...{ changes, more },
    };
  });
}

const schema = {
  summary: 'Changes of policies, tiers and network sets in a time range, the latest first',
  description: 'Namespaces, service accounts, nodes and port names are given where `kind` asks for them',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      ...timeRangeSchema,
      from: { ...timeRangeSchema.from, default: '-7d' },
      kind: { ...referenceProperties.kind, maxLength: 253, description: 'Of objects of this kind only' },
      namespace: {
        type: 'string',
        maxLength: 253,
        examples: ['storefront'],
        description: 'Of objects in this namespace only',
      },
      name: {
        type: 'string',
        maxLength: 1024,
        examples: ['default-deny'],
        description: 'Of objects of this name only',
      },
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'The most changes' },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'from', 'to', 'changes', 'more'],
      properties: {
        cluster: { type: 'string' },
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        changes: {
          type: 'array',
          items: {
            type: 'object',
            required: ['apiVersion', 'kind', 'name', 'time', 'change', 'diff'],
            properties: {
              ...referenceProperties,
              time: { type: 'string', format: 'date-time' },
              change: { type: 'string', enum: ['created', 'changed', 'deleted'] },
              user: {
                type: 'string',
                description:
                  'Who changed it, as far as the object tells: the annotation sonde/changed-by, else a program',
              },
              diff: {
                type: 'string',
                description: 'How its YAML differs from the version before: a unified diff',
              },
            },
          },
        },
        more: { type: 'boolean', description: 'Whether there are older ones in the time range, not listed' },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
