import { policyActivity } from '@sonde/model/policy/activity/activity';
import { countPolicyTraffic } from '@sonde/model/policy/activity/policy-counters';
import type { FastifyInstance } from 'fastify';
import { boardJson, boardProperties } from '@sonde/query/policies/board-json';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { currentObjects } from '@sonde/query/policies/objects';
import { stepTraffic } from '@sonde/query/policies/step-traffic';
import { problemSchema } from '../http/problem.js';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
} from '@sonde/query/records/record-query';

interface Parameters extends RecordQueryParameters {
  readonly cluster?: string;
}

/** `GET /api/v1/policies`: the board, which is policies in the order of evaluation with what they did to flows. */
export function policiesRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies', { schema }, async (request) => {
    const question = parseRecordQuery('flows', request.query, request.queryContext.limits);
    const cluster = await clusterOf(request.queryContext, request.query.cluster);
    const objects = await currentObjects(request.queryContext, cluster);
    const { enforced, pending } = await stepTraffic(request.queryContext, cluster, question);
    const board = policyActivity(objects, countPolicyTraffic(enforced), countPolicyTraffic(pending));
    const { from, to } = question.range;
    return {
      cluster,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      ...boardJson(board),
    };
  });
}

const schema = {
  summary: 'Policies in the order of evaluation, tier by tier, with what each did to flows of a time range',
  description:
    'Policies are those of now. Whoever may view some namespaces only sees the policies in them, and hits by the flows that touch them',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      ...recordQuerySchema,
      from: { ...recordQuerySchema.from, default: '-24h' },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'from', 'to', 'tiers', 'others', 'problems'],
      properties: {
        cluster: { type: 'string' },
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        ...boardProperties,
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
