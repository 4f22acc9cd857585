import type { QueryLimits } from '@sonde/query/limits/query-limits';
import type { FastifyInstance } from 'fastify';
import { type EdgeRow, edgesSql, graphFrom } from '@sonde/query/graph/graph';
import { type GraphLevel, graphLevels, nodeKinds } from '@sonde/query/graph/nodes';
import { problemSchema } from '../http/problem.js';
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

/** `GET /api/v1/graph`: who talked to whom, how much and how well. */
export function graphRoute(server: FastifyInstance): void {
  const schema = schemaOf(server.queryLimits);
  server.get<{ Querystring: Parameters }>('/api/v1/graph', { schema }, async (request) => {
    const { level, limit, records } = request.query;
    const question = parseAggregateQuery('flows', request.query, request.queryContext.limits);
    const { sql, parameters } = edgesSql(question, { level, limit, records }, request.access);
    const rows = await selectAggregates<EdgeRow>(request.queryContext, question, sql, parameters);
    const { from, to } = question.range;
    return {
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      level,
      ...graphFrom(rows, limit, (to - from) / 1000),
    };
  });
}

function schemaOf(limits: QueryLimits) {
  return {
    summary: 'Who talked to whom, as nodes and edges',
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        ...recordQuerySchema,
        level: { type: 'string', enum: graphLevels, default: 'workload', description: 'What the nodes are' },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: limits.rows,
          default: 500,
          description: 'The most edges, those with the most bytes',
        },
        records: {
          type: 'string',
          enum: ['primary', 'all'],
          default: 'primary',
          description: '`primary` counts once what the nodes of both ends report; `all` counts each report',
        },
      },
    },
    response: {
      200: {
        type: 'object',
        required: ['from', 'to', 'level', 'nodes', 'edges', 'truncated'],
        properties: {
          from: { type: 'string', format: 'date-time' },
          to: { type: 'string', format: 'date-time' },
          level: { type: 'string', enum: graphLevels },
          nodes: { type: 'array', items: nodeSchema },
          edges: { type: 'array', items: edgeSchema },
          truncated: { type: 'boolean', description: 'Whether there are more edges' },
        },
      },
      '4xx': problemSchema,
      '5xx': problemSchema,
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
        '`hidden` are ends of which you may not know who they are; `external` is a domain or a class of address',
    },
    namespace: { type: 'string' },
    name: { type: 'string' },
    bytesSent: { type: 'number' },
    bytesReceived: { type: 'number' },
  },
} as const;

const count = { type: 'number', minimum: 0 } as const;
const micros = {
  type: ['number', 'null'],
  description: 'Microseconds; null where none was measured',
} as const;

const edgeSchema = {
  type: 'object',
  description: 'What went on between a client and a server',
  required: ['source', 'target'],
  properties: {
    source: { type: 'string', description: "The client's id" },
    target: { type: 'string', description: "The server's id" },
    flows: { ...count, description: 'Records that it sums up' },
    connections: { ...count, description: 'Connections that started' },
    bytesOut: { ...count, description: 'Bytes from client to server' },
    bytesIn: { ...count, description: 'Bytes from server to client' },
    bytesOutPerSecond: count,
    bytesInPerSecond: count,
    connectionsPerSecond: count,
    allowed: { ...count, description: 'Records that policies allow' },
    denied: { ...count, description: 'Records that policies deny' },
    unknown: { ...count, description: 'Records of which policies say nothing sure' },
    contradictions: { ...count, description: 'Records of which policies and wire disagree' },
    errors: { ...count, description: 'Records of connections that were refused or not answered' },
    droppedPackets: count,
    retransmits: count,
    rttMeanMicros: micros,
    rttP95Micros: micros,
    ports: {
      type: 'array',
      description: 'Up to ten of the ports that the server was reached on',
      items: {
        type: 'object',
        required: ['protocol'],
        properties: {
          protocol: { type: 'integer', minimum: 0, maximum: 255, description: 'As IANA numbers them' },
          port: {
            type: 'integer',
            minimum: 0,
            maximum: 65_535,
            description: 'Not given where the protocol has no ports, as ICMP',
          },
        },
      },
    },
  },
} as const;
