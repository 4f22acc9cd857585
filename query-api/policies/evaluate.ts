import { formatAddress } from '@sonde/model/net/address';
import type { FlowEndpoint } from '@sonde/model/policy/preview/flow-identity';
import type { FastifyInstance } from 'fastify';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import {
  type NamedConnection,
  evaluateConnections,
  type EvaluatedConnection,
} from '@sonde/query/policies/evaluate';
import { enumerationSchema } from '@sonde/query/records/enumeration-schema';
import { parseBoundedTimeRange } from '@sonde/query/limits/bounded-time-range';
import { timeRangeJson, timeRangeJsonSchema, timeRangeSchema } from '@sonde/query/time-range';

interface Body {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly connections: readonly NamedConnection[];
}

/** `POST /api/v1/policies/evaluate`: the verdict on connections and its trace, now or in the past. */
export function policyEvaluationRoute(server: FastifyInstance): void {
  server.post<{ Body: Body }>('/api/v1/policies/evaluate', { schema }, async (request) => {
    const range = parseBoundedTimeRange(request.body, request.queryContext.limits);
    const { connections } = request.body;
    const cluster = await clusterOf(request.queryContext, request.body.cluster);
    const evaluated = await evaluateConnections(request.queryContext, cluster, range, connections);
    return {
      cluster,
      ...timeRangeJson(range),
      connections: evaluated.map(connectionJson),
    };
  });
}

function connectionJson({ connection, from, to, report }: EvaluatedConnection) {
  return { ...connection, ...report, ends: { from: from.map(endpointJson), to: to.map(endpointJson) } };
}

function endpointJson({ kind, namespace, labels, serviceAccount, address }: FlowEndpoint) {
  return { kind, namespace, labels, serviceAccount, address: formatAddress(address) };
}

const endpointText = (description: string) =>
  ({ type: 'string', minLength: 1, maxLength: 1024, description }) as const;

const connectionProperties = {
  from: {
    ...endpointText('A workload or pod as `namespace/name`, or an address'),
    examples: ['storefront/frontend'],
  },
  to: {
    ...endpointText(
      'Like `from`; or a service as `namespace/name` or `service/namespace/name`, or a domain name',
    ),
    examples: ['storefront/backend'],
  },
  protocol: {
    type: 'string',
    maxLength: 16,
    default: 'TCP',
    description: 'Protocol by name or number',
    examples: ['TCP'],
  },
  port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'Server port', examples: [8080] },
  sourcePort: {
    type: 'integer',
    minimum: 0,
    maximum: 65_535,
    description: 'Client port; if rules depend on it and it is absent, the verdict is unknown',
  },
  icmpType: { type: 'integer', minimum: 0, maximum: 255, description: 'ICMP type' },
  icmpCode: { type: 'integer', minimum: 0, maximum: 255, description: 'ICMP code' },
} as const;

const verdict = enumerationSchema('action');

const direction = (description: string) =>
  ({
    type: 'object',
    description,
    required: ['verdict', 'trace'],
    properties: {
      verdict,
      trace: { type: 'array', items: { type: 'string' }, description: 'The consulted policies, as in flows' },
    },
  }) as const;

const viewProperties = {
  verdict,
  egress: direction('Verdict of the egress policies of the client'),
  ingress: direction('Verdict of the ingress policies of the server'),
} as const;

const endpointSchema = {
  type: 'object',
  required: ['kind', 'namespace', 'labels', 'serviceAccount', 'address'],
  properties: {
    kind: enumerationSchema('src_kind'),
    namespace: { type: 'string' },
    labels: { type: 'string' },
    serviceAccount: { type: 'string' },
    address: { type: 'string', description: 'One of its addresses' },
  },
} as const;

const schema = {
  summary: 'Evaluate the policies for connections, now or in the past',
  description:
    'Uses the policies at the end of the time range and the endpoints seen in its flows; the connections need not have occurred. With the right `view` in some namespaces, only the policies in these namespaces are evaluated.',
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
        description: 'The connections to evaluate',
        items: {
          type: 'object',
          required: ['from', 'to'],
          additionalProperties: false,
          properties: connectionProperties,
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
        ...timeRangeJsonSchema,
        connections: {
          type: 'array',
          description: 'The results, in the order of the request',
          items: {
            type: 'object',
            required: ['from', 'to', 'protocol', ...Object.keys(viewProperties), 'pending', 'notes', 'ends'],
            properties: {
              ...connectionProperties,
              ...viewProperties,
              pending: {
                type: 'object',
                description: 'The verdict with staged policies enforced',
                required: Object.keys(viewProperties),
                properties: viewProperties,
              },
              notes: {
                type: 'array',
                items: { type: 'string' },
                description: 'What is unknown, and why',
              },
              ends: {
                type: 'object',
                description:
                  'The endpoints that were evaluated; pods that policies do not distinguish are one',
                required: ['from', 'to'],
                properties: {
                  from: { type: 'array', items: endpointSchema },
                  to: { type: 'array', items: endpointSchema },
                },
              },
            },
          },
        },
      },
    },
  },
} as const;
