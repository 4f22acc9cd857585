import type { FastifyInstance } from 'fastify';
import { checkRange } from '../limits/limits.js';
import { policyChanges } from '../policies/changes.js';
import { clusterOf, clusterSchema } from '../policies/cluster.js';
import { referenceProperties } from '../policies/references.js';
import { invalidParameters, problemSchema } from '../http/problem.js';
import { parseTimeRange, timeRangeSchema } from '../http/time-range.js';
import type { RouteDependencies } from '../context/query-dependencies.js';

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
export function policiesChangesRoute(server: FastifyInstance, dependencies: RouteDependencies): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies/changes', { schema }, async (request) => {
    const { from, to, cluster: asked, ...rest } = request.query;
    const range = parseTimeRange({ from, to }, Date.now());
    if (!('from' in range)) throw invalidParameters(range);
    checkRange(range, dependencies.limits);
    const cluster = await clusterOf(dependencies, request, asked);
    const { changes, more } = await policyChanges(dependencies, request, { ...rest, cluster, range });
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
