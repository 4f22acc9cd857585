import { runTask } from '@sonde/query/context/query-context';
import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import type { QueryLimits } from '@sonde/query/limits/query-limits';
import type { FastifyPluginCallback } from 'fastify';
import { type EdgeRow, edgesSql, graphTask } from '@sonde/query/graph/graph';
import { type GraphLevel, graphLevels, nodeKinds } from '@sonde/query/graph/nodes';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseAggregateQuery,
  selectAggregates,
} from '@sonde/query/records/record-query';

interface Parameters extends RecordQueryParameters {
  readonly level: GraphLevel;
  readonly limit: number;
  readonly records: 'primary' | 'all';
}

/** `GET /api/v1/graph`: connections as nodes and edges with volume and health. */
export const graphPlugin: FastifyPluginCallback = (server, _options, done) => {
  const schema = schemaOf(server.queryLimits);
  server.get<{ Querystring: Parameters }>('/api/v1/graph', { schema }, async (request) => {
    const { level, limit, records } = request.query;
    const query = parseAggregateQuery('flows', request.query, request.queryContext.limits);
    const { sql, parameters } = edgesSql(query, { level, limit, records }, request.access);
    const rows = await selectAggregates<EdgeRow>(request.queryContext, query, sql, parameters);
    const { from, to } = query.range;
    return {
      ...timeRangeJson(query.range),
      level,
      ...(await runTask(request.queryContext, graphTask(rows, limit, (to - from) / 1000))),
    };
  });
  done();
};

function schemaOf(limits: QueryLimits) {
  return {
    summary: 'Return connections as a graph of nodes and edges',
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        ...recordQuerySchema,
        level: {
          type: 'string',
          enum: graphLevels,
          default: 'workload',
          description: 'What each node stands for',
        },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: limits.rows,
          default: 500,
          description: 'Maximum number of edges, ordered by bytes',
        },
        records: {
          type: 'string',
          enum: ['primary', 'all'],
          default: 'primary',
          description: '`primary` counts connections that two nodes report once; `all` counts every record',
        },
      },
    },
    response: {
      200: {
        type: 'object',
        required: ['from', 'to', 'level', 'nodes', 'edges', 'truncated'],
        properties: {
          ...timeRangeJsonSchema,
          level: { type: 'string', enum: graphLevels },
          nodes: { type: 'array', items: nodeSchema },
          edges: { type: 'array', items: edgeSchema },
          truncated: { type: 'boolean', description: 'Whether there are more edges than `limit`' },
        },
      },
    },
  } as const;
}

const nodeSchema = {
  type: 'object',
  required: ['id', 'kind', 'namespace', 'name', 'bytesSent', 'bytesReceived'],
  properties: {
    id: { type: 'string' },
    kind: {
      type: 'string',
      enum: nodeKinds,
      description:
        '`hidden` stands for endpoints that you may not see; `external` is a domain or an address class',
    },
    namespace: { type: 'string', description: 'Empty if the node has no namespace' },
    name: { type: 'string' },
    bytesSent: { type: 'number', description: 'Bytes sent over all returned edges' },
    bytesReceived: { type: 'number', description: 'Bytes received over all returned edges' },
  },
} as const;

const count = { type: 'number', minimum: 0 } as const;
const micros = {
  type: ['number', 'null'],
  description: 'Microseconds; null if none was measured',
} as const;

const edgeSchema = {
  type: 'object',
  description: 'The traffic from a client to a server',
  required: ['source', 'target'],
  properties: {
    source: { type: 'string', description: 'Id of the client node' },
    target: { type: 'string', description: 'Id of the server node' },
    flows: { ...count, description: 'Number of flow records' },
    connections: { ...count, description: 'Started connections' },
    bytesOut: { ...count, description: 'Bytes from client to server' },
    bytesIn: { ...count, description: 'Bytes from server to client' },
    bytesOutPerSecond: count,
    bytesInPerSecond: count,
    connectionsPerSecond: count,
    allowed: { ...count, description: 'Flow records with the verdict allow' },
    denied: { ...count, description: 'Flow records with the verdict deny' },
    unknown: { ...count, description: 'Flow records with an unknown verdict' },
    contradictions: { ...count, description: 'Flow records whose traffic contradicts the verdict' },
    errors: { ...count, description: 'Flow records of refused or unanswered connections' },
    droppedPackets: count,
    retransmits: count,
    rttMeanMicros: micros,
    rttP95Micros: micros,
    ports: {
      type: 'array',
      description: 'Up to ten of the server ports',
      items: {
        type: 'object',
        required: ['protocol'],
        properties: {
          protocol: { type: 'integer', minimum: 0, maximum: 255, description: 'IP protocol number (IANA)' },
          port: {
            type: 'integer',
            minimum: 0,
            maximum: 65_535,
            description: 'Absent for protocols without ports, for example ICMP',
          },
        },
      },
    },
  },
} as const;
