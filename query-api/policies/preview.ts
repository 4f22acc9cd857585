import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import { fixData } from '@sonde/query/records/data-snapshot';
import type { FastifyInstance } from 'fastify';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { readGivenManifests } from '@sonde/query/policies/given-manifests';
import { type ObjectToRemove, previewPolicies } from '@sonde/query/policies/preview';
import { previewJson, previewProperties } from '@sonde/query/policies/preview-json';
import { referenceProperties } from '@sonde/query/policies/references';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
} from '@sonde/query/records/record-query';

interface Body extends RecordQueryParameters {
  readonly cluster?: string;
  readonly manifests: string;
  readonly apply: readonly object[];
  readonly remove: readonly ObjectToRemove[];
  readonly staged: 'ignored' | 'enforced';
  readonly limit: number;
}

/** `POST /api/v1/policies/preview`: past flows that would get a different verdict under changed policies. */
export function policyPreviewRoute(server: FastifyInstance): void {
  server.post<{ Body: Body }>('/api/v1/policies/preview', { schema }, async (request) => {
    const { staged, limit, remove } = request.body;
    const requested = parseRecordQuery('flows', request.body, request.queryContext.limits);
    const apply = await readGivenManifests(request.body, request.disconnectSignal);
    const cluster = await clusterOf(request.queryContext, request.body.cluster);
    const query = await fixData(request.queryContext, requested);
    const view = staged === 'enforced' ? 'pending' : 'enforced';
    const result = await previewPolicies(request.queryContext, {
      ...{ cluster, apply, remove, view },
      query,
    });
    return {
      cluster,
      ...timeRangeJson(query.range),
      ...previewJson(result, limit),
    };
  });
}

const schema = {
  summary: 'Preview a change of policies: list the flows that would get a different verdict',
  description:
    'Evaluates flows under the current policies and under those after the change. With the right `view` in some namespaces, only the policies in these namespaces and flows without endpoints in other namespaces are evaluated (docs/policies.md).',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      ...recordQuerySchema,
      from: { ...recordQuerySchema.from, default: '-1h' },
      manifests: {
        type: 'string',
        default: '',
        description:
          'Policies and objects that they depend on, as YAML or JSON; added, or replacing those of the same names',
        examples: [
          'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: deny, namespace: storefront }\nspec: { podSelector: {} }\n',
        ],
      },
      apply: {
        type: 'array',
        default: [],
        maxItems: 10_000,
        items: { type: 'object', additionalProperties: true },
        description: 'Like `manifests`, as JSON objects',
      },
      remove: {
        type: 'array',
        default: [],
        maxItems: 10_000,
        description: 'Objects to remove',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['kind', 'name'],
          properties: referenceProperties,
        },
        examples: [[{ kind: 'NetworkPolicy', namespace: 'storefront', name: 'default-deny' }]],
      },
      staged: {
        type: 'string',
        enum: ['ignored', 'enforced'],
        default: 'ignored',
        description: 'Whether staged policies are enforced after the change',
      },
      limit: {
        type: 'integer',
        minimum: 0,
        maximum: 10_000,
        default: 100,
        description: 'Maximum number of changed flows',
      },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'from', 'to', ...Object.keys(previewProperties)],
      properties: {
        cluster: { type: 'string' },
        ...timeRangeJsonSchema,
        ...previewProperties,
      },
    },
  },
} as const;
