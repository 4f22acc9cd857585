import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { flowRow } from '@sonde/model/flow/records';
import { batchOf } from '@sonde/test/builders/batch';
import { namespace, networkPolicy, node, pod } from '@sonde/test/builders/manifests';
import { type ObservedFlowRow, observedFlows } from '@sonde/test/builders/observed-flows';
import { describe, expect, it } from 'vitest';
import { LiveContext } from '../pipeline/context.js';
import { enrich } from '../pipeline/enrich.js';

const CHANGED_MS = Date.parse('2026-03-01T12:00:00Z');
const DAY_MS = 24 * 3_600_000;

const changedAt = (object: KubernetesObject, ms: number): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, creationTimestamp: new Date(ms).toISOString() },
});

const DENY = changedAt(
  networkPolicy('shop/deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  CHANGED_MS,
);
const OBJECTS = [
  namespace('shop'),
  node('node-a', ['192.0.2.1']),
  node('node-b', ['192.0.2.2']),
  pod('shop/web', { ips: ['10.0.1.11'], node: 'node-a' }),
  pod('shop/api', { ips: ['10.0.2.11'], node: 'node-b' }),
];

/** The contradiction of a delivered flow from web to api, ten minutes after the policy changed. */
function contradiction(row: ObservedFlowRow, objects: readonly KubernetesObject[] = [...OBJECTS, DENY]) {
  const context = new LiveContext();
  for (const object of objects) expect(context.apply(object, CHANGED_MS)).toEqual([]);
  return contradictionIn(context, row);
}

function contradictionIn(context: LiveContext, row: ObservedFlowRow) {
  const batch = batchOf(
    observedFlows([
      {
        ...{ src_ip: '10.0.1.11', dst_ip: '10.0.2.11', src_port: 40_000, dst_port: 80, protocol: 6 },
        ...{ start_time: CHANGED_MS + 600_000, end_time: CHANGED_MS + 600_000, orientation: 'seen' },
        ...{ connection_state: 'established', packets_in: 5 },
        ...row,
      },
    ]),
  );
  const flow = flowRow(enrich([{ batch, partition: 0, offset: 0 }], context).columns, 0);
  return [flow.action, flow.contradiction, flow.contradiction_reason];
}

const age = (ms: number) => ({ connection_age_us: ms * 1000 });

describe('policies and the wire that disagree are', () => {
  it('a contradiction if nothing explains it', () => {
    expect(contradiction({})).toEqual(['deny', true, 'unexplained']);
    expect(contradiction({}, OBJECTS)).toEqual(['allow', false, 'none']);
  });

  it('explained by a guessed direction', () => {
    expect(contradiction({ orientation: 'guessed' })).toEqual(['deny', false, 'guessed_direction']);
  });

  it('explained by ICMP', () => {
    const ping = { protocol: 1, icmp_type: 8, dst_port: 0, src_port: 0 };
    expect(contradiction(ping)).toEqual(['deny', false, 'icmp']);
  });

  it('explained by traffic from a pod to its own node, but not to another one', () => {
    expect(contradiction({ dst_ip: '192.0.2.1' })).toEqual(['deny', false, 'node_traffic']);
    expect(contradiction({ dst_ip: '192.0.2.2' })).toEqual(['deny', true, 'unexplained']);
  });

  it('explained by a connection that is older than the policy', () => {
    expect(contradiction(age(300_000))).toEqual(['deny', true, 'unexplained']);
    expect(contradiction(age(700_000))).toEqual(['deny', false, 'older_than_policy']);
  });

  it('explained by a connection that may be older, because its start was not seen', () => {
    const unseen = { orientation: 'conntrack' } as const;
    expect(contradiction(unseen)).toEqual(['deny', false, 'older_than_policy']);
    const much = CHANGED_MS + 2 * DAY_MS;
    expect(contradiction({ ...unseen, start_time: much, end_time: much })).toEqual([
      'deny',
      true,
      'unexplained',
    ]);
  });

  it('explained by a connection that is older than the deletion of another policy', () => {
    const allow = networkPolicy('shop/allow', { podSelector: {}, ingress: [{}], egress: [{}] });
    const context = new LiveContext();
    for (const object of [...OBJECTS, DENY, allow]) context.apply(object, CHANGED_MS);
    expect(contradictionIn(context, age(300_000))).toEqual(['allow', false, 'none']);
    context.remove(allow, CHANGED_MS + 400_000);
    expect(contradictionIn(context, age(300_000))).toEqual(['deny', false, 'older_than_policy']);
    expect(contradictionIn(context, age(100_000))).toEqual(['deny', true, 'unexplained']);
  });

  it('explained by a service without a ready endpoint', () => {
    const service = {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'api', namespace: 'shop' } },
      ...{ spec: { clusterIPs: ['10.96.0.1'], ports: [{ port: 80, targetPort: 80 }], selector: {} } },
    } as KubernetesObject;
    const slice = {
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
      metadata: { name: 'api-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'api' } },
      ...{ ports: [{ name: '', port: 80, protocol: 'TCP' }], endpoints: [{ addresses: ['10.0.2.11'] }] },
    } as KubernetesObject;
    const dropped: ObservedFlowRow = {
      ...{ connection_state: 'unanswered', packets_in: 0, dropped_packets: 1 },
      drop_reason: 'NETFILTER_DROP',
    };
    const allow = networkPolicy('shop/allow', { podSelector: {}, ingress: [{}] });
    const objects = [...OBJECTS, allow, service, slice];
    expect(contradiction(dropped, objects)).toEqual(['allow', true, 'unexplained']);
    expect(contradiction({ ...dropped, dst_ip: '10.96.0.1' }, objects)).toEqual([
      'allow',
      false,
      'not_ready_endpoint',
    ]);
  });
});
