import { formatAddress } from '@sonde/model/net/address';
import type { FlowEndpoint } from '@sonde/model/policy/preview/flow-identity';
import type { FastifyInstance } from 'fastify';
import { checkRange } from '@sonde/query/limits/query-limits';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import {
  type ConnectionQuestion,
  evaluateConnections,
  type EvaluatedConnection,
} from '@sonde/query/policies/evaluate';
import { problemSchema } from '../http/problem.js';
import { invalidQuery } from '@sonde/query/errors';
import { enumerationSchema } from '@sonde/query/records/enumeration-schema';
import { parseTimeRange, timeRangeSchema } from '@sonde/query/time-range';

interface Body {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly connections: readonly ConnectionQuestion[];
}

/** `POST /api/v1/policies/evaluate`: whether connections are allowed, by which policies, at any time of the past. */
export function policiesEvaluateRoute(server: FastifyInstance): void {
  server.post<{ Body: Body }>('/api/v1/policies/evaluate', { schema }, async (request) => {
    const range = parseTimeRange(request.body, Date.now());
    if (!('from' in range)) throw invalidQuery(range);
    checkRange(range, request.queryContext.limits);
    const { connections } = request.body;
    const cluster = await clusterOf(request.queryContext, request.body.cluster);
    const evaluated = await evaluateConnections(request.queryContext, cluster, range, connections);
    return {
      cluster,
      from: new Date(range.from).toISOString(),
      to: new Date(range.to).toISOString(),
      connections: evaluated.map(connectionJson),
    };
  });
}

function connectionJson({ question, from, to, report }: EvaluatedConnection) {
  return { ...question, ...report, ends: { from: from.map(endJson), to: to.map(endJson) } };
}

function endJson({ kind, namespace, labels, serviceAccount, address }: FlowEndpoint) {
  return { kind, namespace, labels, serviceAccount, address: formatAddress(address) };
}

const endText = (description: string) =>
  ({ type: 'string', minLength: 1, maxLength: 1024, description }) as const;

const questionProperties = {
  from: {
    ...endText('A workload or pod as namespace/name, or an address'),
    examples: ['storefront/frontend'],
  },
  to: {
    ...endText('As `from`; or a service as namespace/name or service/namespace/name, or a domain name'),
    examples: ['storefront/backend'],
  },
  protocol: {
    type: 'string',
    maxLength: 16,
    default: 'TCP',
    description: 'By name or number',
    examples: ['TCP'],
  },
  port: { type: 'integer', minimum: 0, maximum: 65_535, description: "The server's", examples: [8080] },
  sourcePort: {
    type: 'integer',
    minimum: 0,
    maximum: 65_535,
    description: "The client's; where rules look at it and it is not given, the verdict is unknown",
  },
  icmpType: { type: 'integer', minimum: 0, maximum: 255 },
  icmpCode: { type: 'integer', minimum: 0, maximum: 255 },
} as const;

const verdict = enumerationSchema('action');

const direction = (description: string) =>
  ({
    type: 'object',
    description,
    required: ['verdict', 'trace'],
    properties: {
      verdict,
      trace: { type: 'array', items: { type: 'string' }, description: 'Its steps, as in flows' },
    },
  }) as const;

const viewProperties = {
  verdict,
  egress: direction('What policies say at the client'),
  ingress: direction('What policies say at the server'),
} as const;

const endSchema = {
  type: 'object',
  required: ['kind', 'namespace', 'labels', 'serviceAccount', 'address'],
  properties: {
    kind: enumerationSchema('src_kind'),
    namespace: { type: 'string' },
    labels: { type: 'string' },
    serviceAccount: { type: 'string' },
    address: { type: 'string', description: 'One of theirs' },
  },
} as const;

const schema = {
  summary: 'Whether connections are allowed, and by which policies, now or at a time of the past',
  description:
    'Policies are those of the end of the time range, and who the ends are is what its flows tell, whether they ever talked or not. Whoever may view some namespaces only gets what the policies in them say',
  body: {
    type: 'object',
    required: ['connections'],
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      ...timeRangeSchema,
      from: { ...timeRangeSchema.from, default: '-1h' },
      connections: {
        type: 'array',
        minItems: 1,
        maxItems: 1000,
        items: {
          type: 'object',
          required: ['from', 'to'],
          additionalProperties: false,
          properties: questionProperties,
        },
      },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'from', 'to', 'connections'],
      properties: {
        cluster: { type: 'string' },
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        connections: {
          type: 'array',
          description: 'In the order of the questions',
          items: {
            type: 'object',
            required: ['from', 'to', 'protocol', ...Object.keys(viewProperties), 'pending', 'notes', 'ends'],
            properties: {
              ...questionProperties,
              ...viewProperties,
              pending: {
                type: 'object',
                description: 'With staged policies as if they were enforced',
                required: Object.keys(viewProperties),
                properties: viewProperties,
              },
              notes: {
                type: 'array',
                items: { type: 'string' },
                description: 'What is not known, and why',
              },
              ends: {
                type: 'object',
                description: 'Who the ends were taken for; pods that no policy tells apart are one',
                required: ['from', 'to'],
                properties: {
                  from: { type: 'array', items: endSchema },
                  to: { type: 'array', items: endSchema },
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
