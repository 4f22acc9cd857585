import { pod } from '@sonde/test/builders/manifests';
import { batchOf } from '@sonde/test/builders/batch';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import { flowRow } from '@sonde/model/flow/records';
import { describe, expect, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';

const labels = (name: string) => ({ app: name });

const podWithLabels = (name: string, ip: string) =>
  pod(`shop/${name}`, { ips: [ip], node: 'node-a', labels: labels(name) });

function namespaced(apiVersion: string, kind: string, name: string, rest: object): KubernetesObject {
  return { apiVersion, kind, metadata: { name, namespace: 'shop' }, ...rest };
}

/** Lets only `from` reach the pods of `to`, on port 8080. */
function admits(to: string, from: string): KubernetesObject {
  const ingress = [{ from: [{ podSelector: { matchLabels: labels(from) } }], ports: [{ port: 8080 }] }];
  const spec = { podSelector: { matchLabels: labels(to) }, policyTypes: ['Ingress'], ingress };
  return namespaced('networking.k8s.io/v1', 'NetworkPolicy', `${to}-from-${from}`, { spec });
}

const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-a' },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
  },
  podWithLabels('web', '10.0.1.1'),
  podWithLabels('api', '10.0.1.2'),
  podWithLabels('stranger', '10.0.1.3'),
  namespaced('v1', 'Service', 'api', {
    spec: {
      clusterIPs: ['10.96.0.10'],
      selector: labels('api'),
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
  }),
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'api-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'api' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.0.1.2'] }],
  },
  admits('api', 'web'),
] as KubernetesObject[];

/** What is said of flows that one enricher sees one after the other. */
function said(...rows: ObservedFlowRow[]) {
  const { context, problems } = contextFromObjects(objects);
  expect(problems).toEqual([]);
  const timed = rows.map((row) => ({
    start_time: 1000,
    end_time: 1000,
    protocol: 6,
    dst_port: 8080,
    ...row,
  }));
  const batch = batchOf(observedFlows(timed));
  const { columns } = enrich([{ batch, partition: 0, offset: 0 }], context);
  return timed
    .map((_, row) => flowRow(columns, row))
    .map(({ action, policies, contradiction }) => ({ action, policies, contradiction }));
}

const web = { src_ip: '10.0.1.1', dst_ip: '10.0.1.2' };
const stranger = { src_ip: '10.0.1.3', dst_ip: '10.0.1.2' };

describe('what policies say of a flow', () => {
  it('stands in it with the trace that led there', () => {
    const [admitted, denied] = said(
      { ...web, packets_in: 1 },
      { ...stranger, connection_state: 'unanswered' },
    );
    expect(admitted).toMatchObject({ action: 'allow', contradiction: false });
    expect(admitted?.policies).toMatch(/default\|knp:shop\/api-from-web\|allow\|0$/);
    expect(denied).toMatchObject({ action: 'deny', contradiction: false });
    expect(denied?.policies).toMatch(/default\|knp:shop\/api-from-web\|deny\|-1$/);
  });

  it('is said of the port behind a service, not of the one that the client addressed', () => {
    const [flow] = said({ ...web, dst_service_ip: '10.96.0.10', dst_service_port: 80 });
    expect(flow?.action).toBe('allow');
  });

  it('is said of all backends of a service that the flow did not get past', () => {
    const toService = { dst_ip: '10.96.0.10', dst_port: 80, connection_state: 'unanswered' } as const;
    expect(said({ ...web, ...toService }, { ...stranger, ...toService }).map(({ action }) => action)).toEqual(
      ['allow', 'deny'],
    );
    expect(said({ ...web, ...toService, dst_port: 81 })[0]).toMatchObject({
      action: 'unknown',
      policies: '',
    });
  });

  it('is never a denial of answers, when the direction of the connection is guessed', () => {
    const answers = { src_ip: '10.0.1.2', src_port: 8080, dst_ip: '10.0.1.1', dst_port: 40_000 };
    const api = { src_ip: '10.0.1.3', src_port: 8080, dst_ip: '10.0.1.2', dst_port: 40_000 };
    const bothWays = { packets_out: 3, packets_in: 3, connection_state: 'established' } as const;
    const guessed = { ...bothWays, orientation: 'guessed' } as const;
    expect(said({ ...answers, ...guessed })[0]?.action).toBe('allow');
    // The other way round, the api connecting to port 8080 of the stranger is what is free.
    expect(said({ ...api, ...guessed })[0]).toMatchObject({ action: 'allow', contradiction: false });
    expect(said({ ...api, ...bothWays })[0]).toMatchObject({
      action: 'deny',
      contradiction: true,
    });
  });

  it('always lets a node reach its own pods, and a pod itself', () => {
    expect(said({ src_ip: '192.0.2.1', dst_ip: '10.0.1.2' })[0]?.action).toBe('allow');
    expect(said({ src_ip: '10.0.1.2', dst_ip: '10.0.1.2' })[0]?.action).toBe('allow');
  });

  it('is nothing of what keeps an IPv6 link going', () => {
    const solicitation = { ...stranger, protocol: 58, icmp_type: 135, dst_port: 0 };
    expect(said(solicitation)[0]).toMatchObject({ action: 'unknown', policies: '' });
  });

  it('is nothing where neither end is a pod', () => {
    expect(said({ src_ip: '198.51.100.1', dst_ip: '198.51.100.2' })[0]).toEqual({
      action: 'unknown',
      policies: '',
      contradiction: false,
    });
  });
});
