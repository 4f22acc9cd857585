import type { FastifyInstance } from 'fastify';
import { checkRange } from '../limits/limits.js';
import { clusterOf, clusterSchema } from '../policies/cluster.js';
import { policiesApplying } from '../policies/evaluate.js';
import { invalidParameters, problemSchema } from '../http/problem.js';
import { parseTimeRange, timeRangeSchema } from '../http/time-range.js';
import type { RouteDependencies } from '../context/query-dependencies.js';

interface Parameters {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly namespace: string;
  readonly name: string;
}

/** `GET /api/v1/policies/applying`: which policies select a workload or pod, now or at a time of the past. */
export function policiesApplyingRoute(server: FastifyInstance, dependencies: RouteDependencies): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies/applying', { schema }, async (request) => {
    const range = parseTimeRange(request.query, Date.now());
    if (!('from' in range)) throw invalidParameters(range);
    checkRange(range, dependencies.limits);
    const { namespace, name, cluster: asked } = request.query;
    const cluster = await clusterOf(dependencies, request, asked);
    const found = await policiesApplying(dependencies, request, cluster, range, `${namespace}/${name}`);
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
