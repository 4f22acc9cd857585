import type { FastifyInstance } from 'fastify';
import { policyChanges } from '@sonde/query/policies/changes';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { referenceProperties } from '@sonde/query/policies/references';
import { parseBoundedTimeRange } from '@sonde/query/limits/bounded-time-range';
import { timeRangeJson, timeRangeJsonSchema, timeRangeSchema } from '@sonde/query/time-range';

interface Parameters {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly limit: number;
}

/** `GET /api/v1/policies/changes`: the changes of policies with time, author and diff. */
export function policyChangesRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies/changes', { schema }, async (request) => {
    const { from, to, cluster: requested, ...rest } = request.query;
    const range = parseBoundedTimeRange({ from, to }, request.queryContext.limits);
    const cluster = await clusterOf(request.queryContext, requested);
    const { changes, more } = await policyChanges(request.queryContext, { ...rest, cluster, range });
    return {
      cluster,
      ...timeRangeJson(range),
      ...{ changes, more },
    };
  });
}

const schema = {
  summary: 'List changes of policies, tiers and network sets in a time range, latest first',
  description:
    'Changes of namespaces, service accounts, nodes and port names are returned only if `kind` selects them.',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      ...timeRangeSchema,
      from: { ...timeRangeSchema.from, default: '-7d' },
      kind: { ...referenceProperties.kind, maxLength: 253, description: 'Returns only objects of this kind' },
      namespace: {
        type: 'string',
        maxLength: 253,
        examples: ['storefront'],
        description: 'Returns only objects in this namespace',
      },
      name: {
        type: 'string',
        maxLength: 1024,
        examples: ['default-deny'],
        description: 'Returns only objects with this name',
      },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'Maximum number of changes',
      },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'from', 'to', 'changes', 'more'],
      properties: {
        cluster: { type: 'string' },
        ...timeRangeJsonSchema,
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
                  'Author of the change, if known: the annotation `sonde/changed-by`, else the field manager',
              },
              diff: {
                type: 'string',
                description: 'Unified diff of the YAML to the previous version',
              },
            },
          },
        },
        more: { type: 'boolean', description: 'Whether there are more changes than `limit`' },
      },
    },
  },
} as const;
