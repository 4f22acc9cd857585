import type { FastifyInstance } from 'fastify';
import { problemSchema } from '../http/problem.js';
import { QueryError } from '@sonde/query/errors';
import { enumerationSchema } from '@sonde/query/records/enumeration-schema';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
} from '@sonde/query/records/record-query';
import { healthProperties, healthRequired } from '@sonde/query/workloads/health';
import { healthOfSide, peersOf, type Workload } from '@sonde/query/workloads/peers';

interface Parameters extends RecordQueryParameters {
  readonly limit: number;
}

/** `GET /api/v1/workloads/{namespace}/{name}`: whom a workload talks to, who talks to it, and how well that goes. */
export function workloadsRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters; Params: Workload }>(
    '/api/v1/workloads/:namespace/:name',
    { schema },
    async (request) => {
      const workload = request.params;
      const question = parseRecordQuery('flows', request.query, request.queryContext.limits);
      const side = async (end: 'src' | 'dst') => {
        const health = await healthOfSide(request.queryContext, workload, end, question);
        const { limit } = request.query;
        if (!health) return { peers: [], more: false };
        return { health, ...(await peersOf(request.queryContext, workload, end, question, limit)) };
      };
      const [client, serves] = [await side('src'), await side('dst')];
      if (!('health' in client) && !('health' in serves)) {
        const { namespace, name } = workload;
        throw new QueryError(
          'SONDE_NOT_FOUND',
          `no flows of a workload ${namespace}/${name} are known in the time range`,
        );
      }
      return {
        ...workload,
        from: new Date(question.range.from).toISOString(),
        to: new Date(question.range.to).toISOString(),
        outbound: client,
        inbound: serves,
      };
    },
  );
}

const sideSchema = (description: string) =>
  ({
    type: 'object',
    description,
    required: ['peers', 'more'],
    properties: {
      health: {
        type: 'object',
        description: 'All of them together; absent if there are none',
        required: healthRequired,
        properties: healthProperties,
      },
      peers: {
        type: 'array',
        description: 'Peers by port, those of the most bytes first',
        items: {
          type: 'object',
          required: ['kind', 'namespace', 'name', 'protocol', 'port', ...healthRequired],
          properties: {
            kind: enumerationSchema('src_kind'),
            namespace: { type: 'string' },
            name: {
              type: 'string',
              description: 'The workload, node, service or network set; else the domain name or the address',
            },
            protocol: { type: 'integer' },
            port: { type: 'integer', description: "The server's; 0 for protocols without" },
            ...healthProperties,
          },
        },
      },
      more: { type: 'boolean', description: 'Whether there are peers of fewer bytes, not listed' },
    },
  }) as const;

const schema = {
  summary: 'Whom a workload talks to, who talks to it, and how well that goes, in a time range',
  params: {
    type: 'object',
    required: ['namespace', 'name'],
    properties: {
      namespace: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        examples: ['storefront'],
        description: "The workload's namespace",
      },
      name: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        examples: ['backend'],
        description: 'Its name',
      },
    },
  },
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...recordQuerySchema,
      from: { ...recordQuerySchema.from, default: '-1h' },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'The most peers of each side',
      },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['namespace', 'name', 'from', 'to', 'outbound', 'inbound'],
      properties: {
        namespace: { type: 'string' },
        name: { type: 'string' },
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        outbound: sideSchema('Where it is the client'),
        inbound: sideSchema('Where it is the server'),
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
