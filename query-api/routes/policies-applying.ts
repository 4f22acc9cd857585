import type { FastifyInstance } from 'fastify';
import { checkRange } from '@sonde/query/limits/query-limits';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { policiesApplying } from '@sonde/query/policies/evaluate';
import { problemSchema } from '../http/problem.js';
import { invalidQuery } from '@sonde/query/errors';
import { parseTimeRange, timeRangeSchema } from '@sonde/query/time-range';

interface Parameters {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly namespace: string;
  readonly name: string;
}

/** `GET /api/v1/policies/applying`: which policies select a workload or pod, now or at a time of the past. */
export function policiesApplyingRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies/applying', { schema }, async (request) => {
    const range = parseTimeRange(request.query, Date.now());
    if (!('from' in range)) throw invalidQuery(range);
    checkRange(range, request.queryContext.limits);
    const { namespace, name, cluster: asked } = request.query;
    const cluster = await clusterOf(request.queryContext, asked);
    const found = await policiesApplying(request.queryContext, cluster, range, `${namespace}/${name}`);
    return {
      cluster,
      at: new Date(range.to).toISOString(),
      pods: found.map(({ end: { kind, labels, serviceAccount }, applying }) => ({
        ...{ kind, labels, serviceAccount },
        applying,
      })),
    };
  });
}

const schema = {
  summary: 'The policies that select a workload or pod, in the order of evaluation',
  description:
    'Policies are those of the end of the time range, and who the pods are is what its flows tell. Whoever may view some namespaces only gets the policies in them',
  querystring: {
    type: 'object',
    required: ['namespace', 'name'],
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      ...timeRangeSchema,
      from: { ...timeRangeSchema.from, default: '-1h' },
      namespace: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        examples: ['storefront'],
        description: 'Its namespace',
      },
      name: { type: 'string', minLength: 1, maxLength: 253, examples: ['backend'], description: 'Its name' },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'at', 'pods'],
      properties: {
        cluster: { type: 'string' },
        at: { type: 'string', format: 'date-time', description: 'The time of the policies' },
        pods: {
          type: 'array',
          description: 'One for each set of labels and service account that its pods have',
          items: {
            type: 'object',
            required: ['kind', 'labels', 'serviceAccount', 'applying'],
            properties: {
              kind: { type: 'string', enum: ['pod', 'host_network_pod'] },
              labels: { type: 'string' },
              serviceAccount: { type: 'string' },
              applying: {
                type: 'array',
                items: {
                  type: 'object',
                  required: ['direction', 'tier', 'policy', 'staged', 'rules', 'tierDefault'],
                  properties: {
                    direction: { type: 'string', enum: ['egress', 'ingress'] },
                    tier: { type: 'string' },
                    policy: {
                      type: 'string',
                      description: 'As traces name it',
                      examples: ['knp:storefront/backend'],
                    },
                    order: { type: 'number', description: 'Absent for none, which is last' },
                    staged: { type: 'boolean' },
                    rules: { type: 'integer', description: 'How many it has in this direction' },
                    tierDefault: {
                      type: 'string',
                      enum: ['deny', 'pass'],
                      description: 'What becomes of connections that no rule of the tier matches',
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
