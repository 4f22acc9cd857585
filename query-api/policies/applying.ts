import type { FastifyInstance } from 'fastify';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { policiesApplying } from '@sonde/query/policies/evaluate';
import { parseBoundedTimeRange } from '@sonde/query/limits/bounded-time-range';
import { timeRangeSchema } from '@sonde/query/time-range';

interface Parameters {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly namespace: string;
  readonly name: string;
}

/** `GET /api/v1/policies/applying`: the policies that select a workload or pod, now or in the past. */
export function applyingPoliciesRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies/applying', { schema }, async (request) => {
    const range = parseBoundedTimeRange(request.query, request.queryContext.limits);
    const { namespace, name } = request.query;
    const cluster = await clusterOf(request.queryContext, request.query.cluster);
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
  summary: 'List the policies that select a workload or pod, in evaluation order',
  description:
    'Uses the policies at the end of the time range and the pods seen in its flows. With the right `view` in some namespaces, only the policies in these namespaces are returned.',
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
        description: 'Namespace of the workload or pod',
      },
      name: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        examples: ['backend'],
        description: 'Name of the workload or pod',
      },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'at', 'pods'],
      properties: {
        cluster: { type: 'string' },
        at: { type: 'string', format: 'date-time', description: 'Time of the policies' },
        pods: {
          type: 'array',
          description: 'One entry per distinct set of labels and service account of its pods',
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
                      description: 'Name in traces',
                      examples: ['knp:storefront/backend'],
                    },
                    order: {
                      type: 'number',
                      description: 'Order within the tier; absent if unset, which is last',
                    },
                    staged: { type: 'boolean' },
                    rules: { type: 'integer', description: 'Number of rules in this direction' },
                    tierDefault: {
                      type: 'string',
                      enum: ['deny', 'pass'],
                      description: 'Action of the tier for connections that no rule matches',
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
} as const;
