import type { FastifyInstance } from 'fastify';
import { Problem, problemSchema } from '../http/problem.js';
import { enumerationSchema } from '../records/enumeration-schema.js';
import { type RecordQueryParameters, recordQuerySchema, parseRecordQuery } from '../records/record-query.js';
import { healthProperties, healthRequired } from '../workloads/health.js';
import { healthOfSide, peersOf, type Workload } from '../workloads/peers.js';
import type { RouteDependencies } from '../context/query-dependencies.js';

interface Parameters extends RecordQueryParameters {
  readonly limit: number;
}

/** `GET /api/v1/workloads/{namespace}/{name}`: whom a workload talks to, who talks to it, and how well that goes. */
export function workloadsRoute(server: FastifyInstance, dependencies: RouteDependencies): void {
  server.get<{ Querystring: Parameters; Params: Workload }>(
    '/api/v1/workloads/:namespace/:name',
    { schema },
    async (request) => {
      const workload = request.params;
      const question = parseRecordQuery('flows', request.query, dependencies.limits);
      const side = async (end: 'src' | 'dst') => {
        const health = await healthOfSide(dependencies, request, workload, end, question);
        const { limit } = request.query;
        if (!health) return { peers: [], more: false };
        return { health, ...(await peersOf(dependencies, request, workload, end, question, limit)) };
      };
      const [client, serves] = [await side('src'), await side('dst')];
      if (!('health' in client) && !('health' in serves)) {
        const { namespace, name } = workload;
        throw new Problem(404, `no flows of a workload ${namespace}/${name} are known in the time range`);
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
