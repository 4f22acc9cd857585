import type { FlowVerdict } from '@sonde/model/policy/preview/evaluate-flows';
import type { ChangedFlow } from '@sonde/model/policy/preview/preview';
import { enumerationSchema } from '../records/enumeration-schema.js';
import type { FlowGroup } from './flow-identities.js';
import type { Preview } from './preview.js';
import { referenceOf, referenceProperties } from './references.js';

/** A preview as the API gives it, with so many changes at most; {@link previewProperties} is its schema. */
export function previewJson({ changed, flows, identities, notJudged, problems }: Preview, limit: number) {
  return {
    ...{ flows, identities },
    summary: summaryOf(changed),
    changes: changed.slice(0, limit).map(changeJson),
    more: Math.max(0, changed.length - limit),
    notJudged,
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
    before: judgementJson(before),
    after: judgementJson(after),
    ...{ flows, connections, bytes },
    first: new Date(flow.firstMs).toISOString(),
    last: new Date(flow.lastMs).toISOString(),
    example: flow.example,
  };
}

function judgementJson({ verdict, policies }: FlowVerdict) {
  return { verdict, policies: policies === '' ? [] : policies.split(',') };
}

const verdict = enumerationSchema('action');

const traffic = {
  flows: { type: 'integer', description: 'Flow records, those that totals count' },
  connections: { type: 'integer', description: 'Connections that began' },
  bytes: { type: 'integer', description: 'Bytes of both directions' },
} as const;

const endProperties = {
  kind: enumerationSchema('src_kind'),
  namespace: { type: 'string' },
  workload: { type: 'string' },
  labels: { type: 'string' },
} as const;

const judgement = {
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
  identities: { type: 'integer', description: 'Different ones to policies, which they came down to' },
  summary: {
    type: 'array',
    description: 'All flows whose verdict would change, by how',
    items: {
      type: 'object',
      required: ['before', 'after', 'flows', 'connections', 'bytes'],
      properties: { before: verdict, after: verdict, ...traffic },
    },
  },
  changes: {
    type: 'array',
    description: 'Flows whose verdict would change, alike ones together, the most first',
    items: {
      type: 'object',
      properties: {
        source: { type: 'object', properties: endProperties },
        destination: { type: 'object', properties: { ...endProperties, domain: { type: 'string' } } },
        protocol: { type: 'integer' },
        port: { type: 'integer', description: "The server's; of ICMP type × 256 + code" },
        before: judgement,
        after: judgement,
        ...traffic,
        first: { type: 'string', format: 'date-time' },
        last: { type: 'string', format: 'date-time' },
        example: {
          type: 'object',
          description: 'The latest of them',
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
  more: { type: 'integer', description: 'How many of these are not listed' },
  notJudged: {
    type: 'array',
    description: 'Flows of which nothing can be said, by reason',
    items: {
      type: 'object',
      properties: { reason: { type: 'string' }, flows: { type: 'integer' } },
    },
  },
  problems: {
    type: 'array',
    description: "The cluster's objects that cannot be used, and so count as absent",
    items: {
      type: 'object',
      required: ['apiVersion', 'kind', 'name', 'reason'],
      properties: { ...referenceProperties, reason: { type: 'string' } },
    },
  },
} as const;
