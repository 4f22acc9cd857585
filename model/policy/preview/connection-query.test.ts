import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../net/address.js';
import type { KubernetesObject } from '../../cluster/objects.js';
import { UNRELATED } from '../evaluate/connection.js';
import { manifest, namespace, networkPolicy } from '@sonde/test/builders/manifests';
import type { FlowEndpoint } from './flow-identity.js';
import { UNKNOWN_SOURCE_PORT, addPods } from './evaluate-flows.js';
import {
  type ConnectionQuery,
  evaluateDistinctConnections,
  distinctConnections,
} from './connection-query.js';
import { createPolicySnapshot } from './snapshot.js';

const ON_PORT_80 = { protocol: 6, port: 80, sourcePort: UNKNOWN_SOURCE_PORT, relation: UNRELATED } as const;

const pod = (labels: string, number: number): FlowEndpoint => ({
  ...{ kind: 'pod', namespace: 'shop', labels, serviceAccount: 'default' },
  address: parseAddress(`10.0.${number >> 8}.${number & 255}`),
});

const outside = (address: string): FlowEndpoint => ({
  ...{ kind: 'external', namespace: '', labels: '', serviceAccount: '' },
  address: parseAddress(address),
});

const many = (count: number, make: (number: number) => FlowEndpoint) =>
  Array.from({ length: count }, (_, number) => make(number));

/** Pods whose numbers no policy looks at, unless `LOOKS` is among the objects. */
const pods = many(100, (number) => pod(`app=web,n=${number}`, number));

const LOOKS = networkPolicy('shop/n', {
  podSelector: { matchExpressions: [{ key: 'n', operator: 'In', values: ['99'] }] },
});

function reach(objects: readonly KubernetesObject[], ends: Pick<ConnectionQuery, 'from' | 'to'>) {
  const snapshot = createPolicySnapshot([namespace('shop'), ...objects]);
  addPods(snapshot, ends.to);
  const reach = distinctConnections(snapshot, { ...ON_PORT_80, ...ends });
  const work = evaluateDistinctConnections(snapshot, reach);
  let pauses = 0;
  for (;;) {
    const step = work.next();
    if (step.done) return { pairs: reach.pairs, pauses, report: step.value };
    pauses++;
  }
}

describe('the ends that are meant', () => {
  it('are evaluated once where no policy tells them apart', () => {
    const allow = networkPolicy('shop/web', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] });
    const { pairs, report } = reach([allow], { from: pods, to: pods });
    expect([pairs, report.verdict]).toEqual([1, 'allow']);
    const addresses = many(500, (number) => outside(`203.0.${number >> 8}.${number & 255}`));
    expect(reach([allow], { from: addresses, to: pods }).pairs).toBe(1);
  });

  it('are evaluated apart where a label or a prefix that a policy looks at differs, or the family', () => {
    // A selector sees the number of each pod.
    expect(reach([LOOKS], { from: pods, to: pods }).pairs).toBe(100 * 100);
    const within = networkPolicy('shop/web', {
      podSelector: {},
      ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/25' } }] }],
    });
    const addresses = ['203.0.113.1', '203.0.113.2', '203.0.113.200', '2001:db8::1'].map(outside);
    const { pairs, report } = reach([within], { from: addresses, to: pods.slice(0, 1) });
    expect(pairs).toBe(3);
    expect([report.verdict, report.notes]).toEqual([
      'unknown',
      [
        'from 203.0.113.1 to shop/{app=web,n=0} it is allow',
        'from 203.0.113.200 to shop/{app=web,n=0} it is deny',
      ],
    ]);
  });

  it('count once for each kind of pod behind the address of a service', () => {
    const service = manifest('v1', 'Service', 'shop/web', {
      ...{ selector: { app: 'web' }, clusterIP: '10.96.0.1' },
      ports: [{ port: 80 }],
    });
    const end: FlowEndpoint = { ...outside('10.96.0.1'), kind: 'service', namespace: 'shop' };
    const snapshot = createPolicySnapshot([namespace('shop'), service, LOOKS]);
    addPods(snapshot, pods);
    expect(distinctConnections(snapshot, { ...ON_PORT_80, from: pods.slice(0, 3), to: [end] }).pairs).toBe(
      3 * 100,
    );
  });
});

describe('an evaluation of many pairs', () => {
  const allow = networkPolicy('shop/web', { podSelector: {}, ingress: [{}], egress: [{}] });

  it('pauses, so that others can have their turn', () => {
    const { pairs, pauses, report } = reach([LOOKS, allow], { from: pods, to: pods });
    expect([pairs, pauses, report.verdict]).toEqual([10_000, 10, 'allow']);
  });

  it('ends where nothing can change its answer any more', () => {
    const first = pods.slice(0, 2);
    const denied = networkPolicy('shop/web', { podSelector: { matchLabels: { n: '1' } } });
    const { pairs, pauses, report } = reach([LOOKS, denied], { from: pods, to: [...first, ...pods] });
    expect([pairs, pauses, report.verdict]).toEqual([10_000, 0, 'unknown']);
    expect(report.notes).toHaveLength(2);
  });
});
