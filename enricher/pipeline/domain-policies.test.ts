import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedDns } from '@sonde/test/builders/dns';
import { batchOf } from '@sonde/test/builders/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { flowRow } from '@sonde/model/flow/records';
import { describe, expect, it } from 'vitest';
import { contextFromObjects, type EnrichmentContext } from './context.js';
import { enrich } from './enrich.js';
import { enrichDns } from './enrich-dns.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const MINUTE_MS = 60_000;
const WEB = '10.0.0.1';
const PARTNER = { name: 'api.partner.example', ip: '203.0.113.10' };
const STRANGER = '203.0.113.66';

const objects: KubernetesObject[] = [
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } },
    ...{ spec: { nodeName: 'node-a' }, status: { phase: 'Running', podIPs: [{ ip: WEB }] } },
  },
  {
    ...{ apiVersion: 'policy.networking.k8s.io/v1alpha2', kind: 'ClusterNetworkPolicy' },
    metadata: { name: 'partners' },
    ...{
      spec: {
        ...{ tier: 'Admin', priority: 10, subject: { namespaces: {} } },
        egress: [
          { action: 'Accept', to: [{ domainNames: ['*.partner.example'] }] },
          { action: 'Deny', to: [{ networks: ['0.0.0.0/0'] }] },
        ],
      },
    },
  },
];

/** Takes in lookups of the partner at a time, answered with an address. */
function lookUp(context: EnrichmentContext, timeMs: number, answers: string): void {
  const row = { start_time: timeMs, src_ip: WEB, answered: true, answers, answer_ttl_s: 5 };
  const dns = observedDns([{ ...row, query_name: PARTNER.name, query_type: 'A', rcode: 'NOERROR' }]);
  enrichDns([{ batch: batchOf(observedFlows([]), { dns }), partition: 0, offset: 0 }], context);
}

/** What policies say of a flow from the pod to an address. */
function verdict(context: EnrichmentContext, dst_ip: string, timeMs: number) {
  const flow = { src_ip: WEB, dst_ip, dst_port: 443, protocol: 6, start_time: timeMs, end_time: timeMs };
  const { columns } = enrich(
    [{ batch: batchOf(observedFlows([{ ...flow, tcp_flags: 2 }])), partition: 0, offset: 0 }],
    context,
  );
  return flowRow(columns, 0).action;
}

describe('policies by domain names', () => {
  it('allow what a client was answered, from the very block of the answer on', () => {
    const { context, problems } = contextFromObjects(objects);
    expect(problems).toEqual([]);
    lookUp(context, NOON, PARTNER.ip);
    expect(verdict(context, PARTNER.ip, NOON)).toBe('allow');
  });

  it('leave open what other addresses are until answers were watched for a while, and deny them then', () => {
    const { context } = contextFromObjects(objects);
    lookUp(context, NOON, PARTNER.ip);
    expect(verdict(context, STRANGER, NOON)).toBe('unknown');
    lookUp(context, NOON + 11 * MINUTE_MS, PARTNER.ip);
    expect(verdict(context, STRANGER, NOON + 11 * MINUTE_MS)).toBe('deny');
    expect(verdict(context, PARTNER.ip, NOON + 11 * MINUTE_MS)).toBe('allow');
  });

  it('hold for an address as long as a client uses it, and no longer', () => {
    const { context } = contextFromObjects(objects);
    const other = '203.0.113.11';
    for (let minute = 0; minute <= 60; minute += 5) {
      const now = NOON + minute * MINUTE_MS;
      lookUp(context, now, minute === 0 ? `${PARTNER.ip},${other}` : '203.0.113.12');
      expect(verdict(context, PARTNER.ip, now)).toBe('allow');
    }
    expect(verdict(context, other, NOON + 60 * MINUTE_MS)).toBe('deny');
  });
});
