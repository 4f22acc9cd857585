import { policyActivity } from '@sonde/model/policy/activity/activity';
import { countPolicyTraffic } from '@sonde/model/policy/activity/policy-counters';
import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import { fixData } from '@sonde/query/records/data-snapshot';
import type { FastifyInstance } from 'fastify';
import { activityJson, activityProperties } from '@sonde/query/policies/activity-json';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { currentObjects } from '@sonde/query/policies/objects';
import { stepTraffic } from '@sonde/query/policies/step-traffic';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
} from '@sonde/query/records/record-query';

interface Parameters extends RecordQueryParameters {
  readonly cluster?: string;
}

/** `GET /api/v1/policies`: policies in evaluation order, with their observed traffic. */
export function policyActivityRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters }>('/api/v1/policies', { schema }, async (request) => {
    const requested = parseRecordQuery('flows', request.query, request.queryContext.limits);
    const cluster = await clusterOf(request.queryContext, request.query.cluster);
    const query = await fixData(request.queryContext, requested);
    const objects = await currentObjects(request.queryContext, cluster);
    const { enforced, pending } = await stepTraffic(request.queryContext, cluster, query);
    const activity = policyActivity(objects, countPolicyTraffic(enforced), countPolicyTraffic(pending));
    return {
      cluster,
      ...timeRangeJson(query.range),
      ...activityJson(activity),
    };
  });
}

const schema = {
  summary: 'List policies in evaluation order, with their observed traffic',
  description:
    'Returns the current policies with their traffic in the time range. With the right `view` in some namespaces, only the policies in these namespaces and the flows that touch them are included.',
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
        ...timeRangeJsonSchema,
        ...activityProperties,
      },
    },
  },
} as const;
