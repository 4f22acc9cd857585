import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import type { FastifyPluginCallback } from 'fastify';
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

/** `GET /api/v1/workloads/{namespace}/{name}`: the outbound and inbound peers of a workload with their health. */
export const workloadsPlugin: FastifyPluginCallback = (server, _options, done) => {
  server.get<{ Querystring: Parameters; Params: Workload }>(
    '/api/v1/workloads/:namespace/:name',
    { schema },
    async (request) => {
      const workload = request.params;
      const query = parseRecordQuery('flows', request.query, request.queryContext.limits);
      const peersOn = async (side: 'src' | 'dst') => {
        const health = await healthOfSide(request.queryContext, workload, side, query);
        const { limit } = request.query;
        if (!health) return { peers: [], more: false };
        return { health, ...(await peersOf(request.queryContext, workload, side, query, limit)) };
      };
      const [outbound, inbound] = [await peersOn('src'), await peersOn('dst')];
      if (!('health' in outbound) && !('health' in inbound)) {
        const { namespace, name } = workload;
        throw new QueryError(
          'SONDE_NOT_FOUND',
          `workload ${namespace}/${name} has no flows in the time range`,
        );
      }
      return {
        ...workload,
        ...timeRangeJson(query.range),
        outbound,
        inbound,
      };
    },
  );
  done();
};

const sideSchema = (description: string) =>
  ({
    type: 'object',
    description,
    required: ['peers', 'more'],
    properties: {
      health: {
        type: 'object',
        description: 'Health of all peers together; absent if there are none',
        required: healthRequired,
        properties: healthProperties,
      },
      peers: {
        type: 'array',
        description: 'Peers by port, ordered by bytes',
        items: {
          type: 'object',
          required: ['kind', 'namespace', 'name', 'protocol', 'port', ...healthRequired],
          properties: {
            kind: enumerationSchema('src_kind'),
            namespace: { type: 'string' },
            name: {
              type: 'string',
              description:
                'Name of the workload, node, service or network set; of other peers the domain name or address',
            },
            protocol: { type: 'integer', description: 'IP protocol number (IANA)' },
            port: { type: 'integer', description: 'Server port; 0 for protocols without ports' },
            ...healthProperties,
          },
        },
      },
      more: { type: 'boolean', description: 'Whether there are more peers than `limit`' },
    },
  }) as const;

const schema = {
  summary: 'List the peers of a workload with their health',
  params: {
    type: 'object',
    required: ['namespace', 'name'],
    properties: {
      namespace: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        examples: ['storefront'],
        description: 'Namespace of the workload',
      },
      name: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        examples: ['backend'],
        description: 'Name of the workload',
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
        description: 'Maximum number of peers per direction',
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
        ...timeRangeJsonSchema,
        outbound: sideSchema('Connections that it started'),
        inbound: sideSchema('Connections that it accepted'),
      },
    },
  },
} as const;
