import type { FastifyInstance } from 'fastify';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { readGivenManifests } from '@sonde/query/policies/given-manifests';
import { type ObjectToRemove, preview } from '@sonde/query/policies/preview';
import { previewJson, previewProperties } from '@sonde/query/policies/preview-json';
import { referenceProperties } from '@sonde/query/policies/references';
import { problemSchema } from '../http/problem.js';
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

/** `POST /api/v1/policies/preview`: which past flows would get a different verdict under changed policies. */
export function policiesPreviewRoute(server: FastifyInstance): void {
  server.post<{ Body: Body }>('/api/v1/policies/preview', { schema }, async (request) => {
    const { staged, limit, remove, cluster: asked } = request.body;
    const question = parseRecordQuery('flows', request.body, request.queryContext.limits);
    const apply = await readGivenManifests(request.body, request.disconnectSignal);
    const cluster = await clusterOf(request.queryContext, asked);
    const view = staged === 'enforced' ? 'pending' : 'enforced';
    const result = await preview(request.queryContext, { cluster, question, apply, remove, view });
    return {
      cluster,
      from: new Date(question.range.from).toISOString(),
      to: new Date(question.range.to).toISOString(),
      ...previewJson(result, limit),
    };
  });
}

const schema = {
  summary: 'The flows of a time range whose verdict a change of policies would make another',
  description:
    'Flows are evaluated twice: by the policies of now, and by those after the change. Whoever may view some namespaces only gets what the policies in them make of flows whose ends are not in others (docs/policies.md)',
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
          'Policies, and what they depend on, as YAML or JSON: added, or in place of those of their names',
        examples: [
          'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: deny, namespace: storefront }\nspec: { podSelector: {} }\n',
        ],
      },
      apply: {
        type: 'array',
        default: [],
        maxItems: 10_000,
        items: { type: 'object', additionalProperties: true },
        description: 'The same as JSON objects',
      },
      remove: {
        type: 'array',
        default: [],
        maxItems: 10_000,
        description: 'Objects that are taken away',
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
        description: 'Whether staged policies count as enforced after the change',
      },
      limit: { type: 'integer', minimum: 0, maximum: 10_000, default: 100 },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'from', 'to', ...Object.keys(previewProperties)],
      properties: {
        cluster: { type: 'string' },
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        ...previewProperties,
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
