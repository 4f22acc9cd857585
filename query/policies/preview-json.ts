import type { FlowVerdict } from '@sonde/model/policy/preview/evaluate-flows';
import type { ChangedFlow } from '@sonde/model/policy/preview/preview';
import { enumerationSchema } from '../records/enumeration-schema.js';
import type { FlowGroup } from './flow-identities.js';
import type { Preview } from './preview.js';
import { referenceOf, referenceProperties } from './references.js';

/** A preview as the API returns it, with at most `limit` changes; {@link previewProperties} is its schema. */
export function previewJson({ changed, flows, identities, notEvaluated, problems }: Preview, limit: number) {
  return {
    ...{ flows, identities },
    summary: summaryOf(changed),
    changes: changed.slice(0, limit).map(changeJson),
    more: Math.max(0, changed.length - limit),
    notEvaluated,
    problems: problems.map(({ object, reason }) => ({ ...referenceOf(object), reason })),
  };
}

function summaryOf(changed: readonly ChangedFlow<FlowGroup>[]) {
  const sums = new Map<
    string,
    { before: string; after: string; flows: number; connections: number; bytes: number }
  >();
  for (const { flow, before, after } of changed) {
    const key = `${before.verdict} ${after.verdict}`;
    const sum = sums.get(key) ?? {
      ...{ before: before.verdict, after: after.verdict },
      ...{ flows: 0, connections: 0, bytes: 0 },
    };
    sum.flows += flow.flows;
    sum.connections += flow.connections;
    sum.bytes += flow.bytes;
    sums.set(key, sum);
  }
  return [...sums.values()].sort((a, b) => b.flows - a.flows);
}

function changeJson({ flow, before, after }: ChangedFlow<FlowGroup>) {
  const { src, dst, srcWorkload, dstWorkload, domain, protocol, port, flows, connections, bytes } = flow;
  return {
    source: { kind: src.kind, namespace: src.namespace, workload: srcWorkload, labels: src.labels },
    destination: {
      kind: dst.kind,
      namespace: dst.namespace,
      workload: dstWorkload,
      labels: dst.labels,
      domain,
    },
    ...{ protocol, port },
    before: verdictJson(before),
    after: verdictJson(after),
    ...{ flows, connections, bytes },
    first: new Date(flow.firstMs).toISOString(),
    last: new Date(flow.lastMs).toISOString(),
    example: flow.example,
  };
}

function verdictJson({ verdict, policies }: FlowVerdict) {
  return { verdict, policies: policies === '' ? [] : policies.split(',') };
}

const verdict = enumerationSchema('action');

const traffic = {
  flows: { type: 'integer', description: 'Flow records, each connection counted once' },
  connections: { type: 'integer', description: 'Connections that started' },
  bytes: { type: 'integer', description: 'Bytes in both directions' },
} as const;

const endpointProperties = {
  kind: enumerationSchema('src_kind'),
  namespace: { type: 'string' },
  workload: { type: 'string' },
  labels: { type: 'string' },
} as const;

const verdictSchema = {
  type: 'object',
  required: ['verdict', 'policies'],
  properties: {
    verdict,
    policies: { type: 'array', items: { type: 'string' }, description: 'The trace, egress first' },
  },
} as const;

/** The schema of {@link previewJson}'s properties. */
export const previewProperties = {
  flows: { type: 'integer', description: 'Flow records that were evaluated' },
  identities: { type: 'integer', description: 'Distinct flows, as far as policies can distinguish them' },
  summary: {
    type: 'array',
    description: 'Flows whose verdict would change, by verdict before and after',
    items: {
      type: 'object',
      required: ['before', 'after', 'flows', 'connections', 'bytes'],
      properties: { before: verdict, after: verdict, ...traffic },
    },
  },
  changes: {
    type: 'array',
    description: 'Flows whose verdict would change, grouped, the largest groups first',
    items: {
      type: 'object',
      properties: {
        source: { type: 'object', properties: endpointProperties },
        destination: { type: 'object', properties: { ...endpointProperties, domain: { type: 'string' } } },
        protocol: { type: 'integer' },
        port: { type: 'integer', description: "The server's port; for ICMP type × 256 + code" },
        before: verdictSchema,
        after: verdictSchema,
        ...traffic,
        first: { type: 'string', format: 'date-time' },
        last: { type: 'string', format: 'date-time' },
        example: {
          type: 'object',
          description: 'The latest flow',
          properties: {
            src_name: { type: 'string' },
            src_ip: { type: 'string' },
            src_port: { type: 'integer' },
            dst_name: { type: 'string' },
            dst_ip: { type: 'string' },
            dst_port: { type: 'integer' },
          },
        },
      },
    },
  },
  more: { type: 'integer', description: 'Number of groups that are not listed' },
  notEvaluated: {
    type: 'array',
    description: 'Flows that could not be evaluated, by reason',
    items: {
      type: 'object',
      properties: { reason: { type: 'string' }, flows: { type: 'integer' } },
    },
  },
  problems: {
    type: 'array',
    description: 'Objects of the cluster that are invalid and therefore ignored',
    items: {
      type: 'object',
      required: ['apiVersion', 'kind', 'name', 'reason'],
      properties: { ...referenceProperties, reason: { type: 'string' } },
    },
  },
} as const;
