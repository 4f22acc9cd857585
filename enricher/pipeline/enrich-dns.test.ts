import { pod } from '@sonde/test/builders/manifests';
import { batchOf } from '@sonde/test/builders/batch';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedDns, type ObservedDnsRow } from '@sonde/test/builders/dns';
import { dnsFields } from '@sonde/model/dns/fields';
import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import { recordRow } from '@sonde/model/record/rows';
import { flowRow } from '@sonde/model/flow/records';
import { describe, expect, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';
import { enrichDns } from './enrich-dns.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const WEB = { ipv4: '10.0.1.1', ipv6: 'fd00:1::1' };
const API = '10.0.2.1';
const OUTSIDE = '203.0.113.10';

const objects = [
  pod('shop/web', { ips: [WEB.ipv4, WEB.ipv6], node: 'node-a' }),
  pod('shop/api', { ips: [API], node: 'node-b' }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'api', namespace: 'shop' },
    spec: { clusterIPs: ['10.96.0.10'] },
  },
] as KubernetesObject[];

const lookup: ObservedDnsRow = {
  start_time: NOON,
  src_ip: WEB.ipv4,
  src_port: 40_000,
  dst_ip: '10.96.0.53',
  protocol: 17,
  query_name: 'api.example.com',
  query_type: 'A',
  answered: true,
  rcode: 'NOERROR',
  latency_us: 300,
  answers: OUTSIDE,
  answer_ttl_s: 60,
};

const flow: ObservedFlowRow = {
  start_time: NOON,
  end_time: NOON,
  src_ip: WEB.ipv4,
  dst_ip: OUTSIDE,
  protocol: 6,
};

/** A batch that a node sent. */
function delivered(
  {
    dns = [],
    flows = [],
    node = 'node-a',
  }: { dns?: ObservedDnsRow[]; flows?: ObservedFlowRow[]; node?: string },
  offset = 0,
) {
  const timed = flows.map((row) => ({ start_time: NOON, end_time: NOON, ...row }));
  const batch = batchOf(observedFlows(timed), {
    ...{ cluster: 'test', node },
    ...(dns.length > 0 && { dns: observedDns(dns) }),
  });
  return { batch, partition: 3, offset };
}

function context(isMonitored = true) {
  return contextFromObjects(objects, () => isMonitored).context;
}

function dnsRows(batches: ReturnType<typeof delivered>[], isMonitored = true) {
  const { rows, columns } = enrichDns(batches, context(isMonitored));
  return Array.from({ length: rows }, (_, row) => recordRow(dnsFields, columns, row));
}

/** The domains of flows whose window, or one before, held the lookups. */
function domains(dns: ObservedDnsRow[], flows: ObservedFlowRow[]) {
  const known = context();
  const batches = [delivered({ dns, flows })];
  enrichDns(batches, known);
  const { columns } = enrich(batches, known);
  return flows.map((_, row) => {
    const { src_domain, dst_domain } = flowRow(columns, row);
    return { src_domain, dst_domain };
  });
}

const dstDomains = (dns: ObservedDnsRow[], ...flows: ObservedFlowRow[]) =>
  domains(dns, flows).map(({ dst_domain }) => dst_domain);

describe('a DNS lookup', () => {
  it('carries the client, where it was seen and what it came through', () => {
    expect(dnsRows([delivered({ dns: [lookup] }, 77)])).toMatchObject([
      {
        cluster: 'test',
        node: 'node-a',
        primary: true,
        src_kind: 'pod',
        src_namespace: 'shop',
        src_name: 'web',
        src_node: 'node-a',
        query_name: 'api.example.com',
        transport_partition: 3,
        transport_offset: 77,
      },
    ]);
  });

  it('of several batches makes one block, each with its own node and offset', () => {
    const batches = [
      delivered({ dns: [lookup, lookup] }, 5),
      delivered({ flows: [flow] }, 6),
      delivered({ dns: [lookup], node: 'node-b' }, 7),
    ];
    expect(dnsRows(batches).map(({ node, transport_offset }) => [node, transport_offset])).toEqual([
      ['node-a', 5],
      ['node-a', 5],
      ['node-b', 7],
    ]);
    expect(dnsRows([delivered({ flows: [flow] })])).toEqual([]);
  });

  it("is to be counted where the client's node saw it, or where nobody watches that node", () => {
    const byServer = [delivered({ dns: [lookup], node: 'node-b' })];
    expect(dnsRows(byServer)[0]?.primary).toBe(false);
    expect(dnsRows(byServer, false)[0]?.primary).toBe(true);
    expect(dnsRows([delivered({ dns: [{ ...lookup, src_ip: '192.0.2.9' }] })])[0]?.primary).toBe(true);
  });
});

describe('a flow to an address outside', () => {
  it('is named by the answer that its client got in the same window', () => {
    expect(dstDomains([lookup], flow)).toEqual(['api.example.com']);
    expect(dstDomains([{ ...lookup, answers: `192.0.2.1,${OUTSIDE}` }], flow)).toEqual(['api.example.com']);
  });

  it('is not named by an answer that came after it', () => {
    expect(dstDomains([{ ...lookup, start_time: NOON + 1000 }], flow)).toEqual(['']);
  });

  it('is named whichever of its addresses the client asked from', () => {
    const dns = { ...lookup, src_ip: WEB.ipv4, query_type: 'AAAA', answers: '2001:db8::10' };
    expect(dstDomains([dns], { ...flow, src_ip: WEB.ipv6, dst_ip: '2001:db8::10' })).toEqual([
      'api.example.com',
    ]);
  });

  it('is named by what its own client asked for, where others asked for something else', () => {
    const other = { ...lookup, src_ip: API, query_name: 'other.example.com', start_time: NOON };
    expect(dstDomains([lookup, other], flow, { ...flow, src_ip: API })).toEqual([
      'api.example.com',
      'other.example.com',
    ]);
  });

  it('is named by the name in the TLS handshake, if the client got no answer', () => {
    expect(dstDomains([], { ...flow, tls_server_name: 'tls.example.com' })).toEqual(['tls.example.com']);
    expect(dstDomains([lookup], { ...flow, tls_server_name: 'tls.example.com' })).toEqual([
      'api.example.com',
    ]);
  });

  it('is named by the one of several answered names that the TLS handshake tells', () => {
    const newer = { ...lookup, query_name: 'cdn.example.com', start_time: NOON + 1 };
    const later = { ...flow, start_time: NOON + 2 };
    expect(dstDomains([lookup, newer], later, { ...later, tls_server_name: 'api.example.com' })).toEqual([
      'cdn.example.com',
      'api.example.com',
    ]);
  });

  it('is named by what others were answered only if they agree', () => {
    const stranger = { ...flow, src_ip: API };
    expect(dstDomains([lookup], stranger)).toEqual(['api.example.com']);
    expect(dstDomains([lookup, { ...lookup, query_name: 'cdn.example.com' }], stranger)).toEqual(['']);
    expect(dstDomains([lookup], { ...stranger, tls_server_name: 'tls.example.com' })).toEqual([
      'tls.example.com',
    ]);
  });

  it('has a client that is nobody known told from others by its address', () => {
    const asked = { ...lookup, src_ip: '192.0.2.1' };
    const other = { ...lookup, src_ip: '192.0.2.2', query_name: 'other.example.com' };
    expect(dstDomains([asked, other], { ...flow, src_ip: '192.0.2.1' })).toEqual(['api.example.com']);
  });
});

describe('a flow from an address outside', () => {
  it('is named by the answer that its server got', () => {
    expect(
      domains([lookup], [{ ...flow, src_ip: OUTSIDE, dst_ip: WEB.ipv4, tls_server_name: 'web' }]),
    ).toEqual([{ src_domain: 'api.example.com', dst_domain: '' }]);
  });
});

describe('pods and services', () => {
  it('have no domain, whatever was answered or said in TLS', () => {
    const dns = { ...lookup, query_name: 'api.shop.svc.cluster.local', answers: `${API},10.96.0.10` };
    const flows = [API, '10.96.0.10'].map((dst_ip) => ({ ...flow, dst_ip, tls_server_name: 'api' }));
    expect(dstDomains([dns], ...flows)).toEqual(['', '']);
  });

  it('take no room among the names', () => {
    const known = context();
    enrichDns([delivered({ dns: [{ ...lookup, answers: `${API},10.96.0.10,${OUTSIDE}` }] })], known);
    expect(known.domains.counts).toEqual({ held: 1, evicted: 0 });
  });
});
