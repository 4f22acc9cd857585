import type { LabPodInterface } from '@sonde/deploy/lab/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type WatchedLab, watchLab } from './embedded-lab.js';
import { whySkipLive } from './live.js';
import { lookUp } from './lookup.js';
import { makeConnections } from './make-connections.js';

const CLUSTER_DNS = '10.96.0.10';
const DOMAIN = 'api.telephony.example';
const BACKEND = '10.96.10.4';
const TELEPHONY = { ipv4: '203.0.113.10', ipv6: '2001:db8:113::10' };
/** An external address that policies deny to the client, so that a query to it gets no response. */
const UNREACHABLE = '203.0.113.66';

type Row = Readonly<Record<string, unknown>>;

describe.skipIf(whySkipLive() !== undefined)('DNS lookups in the lab', () => {
  let watched: WatchedLab;
  /** A pod that policies allow to call the telephony API; it runs on the DNS server's node. */
  let client: LabPodInterface;

  beforeAll(async () => {
    watched = await watchLab('e2edns');
    client = podOn('node-b', 'microservice2');
    await lookUp(client.netns, CLUSTER_DNS, [
      ['resolve4', DOMAIN],
      ['resolve6', DOMAIN],
      ['resolve4', 'backend.storefront.svc.cluster.local'],
      ['resolve4', 'nowhere.telephony.example'],
    ]);
    await lookUp(podOn('node-a', 'frontend').netns, CLUSTER_DNS, [
      ['resolve4', 'logging.storefront.svc.cluster.local'],
    ]);
    await lookUp(client.netns, UNREACHABLE, [['resolve4', 'silent.telephony.example']]);
    const outcomes = await makeConnections(client.netns, [
      { host: TELEPHONY.ipv4, port: 80, localPort: 34_001 },
      { host: TELEPHONY.ipv6, port: 80, localPort: 34_002 },
      { host: UNREACHABLE, port: 80, localPort: 34_003 },
      { host: BACKEND, port: 80, localPort: 34_004 },
    ]);
    expect(outcomes).toEqual(['answered', 'answered', 'unanswered', 'answered']);
  }, 180_000);

  afterAll(() => watched.down());

  it('are recorded with client, name, type, response and latency', async () => {
    const asked = {
      src_kind: 'pod',
      src_namespace: 'storefront',
      src_name: client.pod,
      src_workload: 'microservice2',
      dst_ip: CLUSTER_DNS,
      protocol: 17,
    };
    const found = { ...asked, query_name: DOMAIN, answered: true, rcode: 'NOERROR', answer_ttl_s: 5 };
    const lookups = await eventually(async () => {
      const rows = await lookupsOf('rcode in ["NOERROR", "NXDOMAIN"]');
      expect(rows).toHaveLength(4);
      return rows;
    });
    // Several lookups can fall within one tick of the kernel's clock, so they cannot be ordered by time.
    expect(lookups.sort(byNameAndType)).toMatchObject([
      { ...found, query_type: 'A', answers: TELEPHONY.ipv4 },
      { ...found, query_type: 'AAAA', answers: TELEPHONY.ipv6 },
      { ...found, query_name: 'backend.storefront.svc.cluster.local', query_type: 'A' },
      { ...asked, query_name: 'nowhere.telephony.example', query_type: 'A', rcode: 'NXDOMAIN', answers: '' },
    ]);
    for (const { latency_us: latency } of lookups) expect(latency).toBeGreaterThan(0);
  });

  it('are recorded as unanswered after the timeout', async () => {
    await eventually(async () => {
      expect(await lookupsOf('rcode == "NONE"')).toMatchObject([
        { query_name: 'silent.telephony.example', answered: false, latency_us: 0, dst_ip: UNREACHABLE },
      ]);
    });
  });

  it("are counted once when the client's and the server's node both observe them", async () => {
    await eventually(async () => {
      const all = await watched.embedded.store.query<Row>(
        `SELECT node, primary, src_workload, answers FROM dns
         WHERE query_name = 'logging.storefront.svc.cluster.local' ORDER BY node`,
      );
      const record = { src_workload: 'frontend', answers: '10.96.10.5' };
      expect(all).toEqual([
        { ...record, node: 'node-a', primary: true },
        { ...record, node: 'node-b', primary: false },
      ]);
    });
  });

  it("attach the domain to the client's external connections, for IPv4 and IPv6", async () => {
    await eventually(async () => {
      expect(await domainsByPort()).toEqual({
        34_001: [DOMAIN],
        34_002: [DOMAIN],
        34_003: [''],
        34_004: [''],
      });
    });
  });

  async function lookupsOf(filter: string): Promise<Row[]> {
    const query = new URLSearchParams({
      filter: `src.name == "${client.pod}" && primary && ${filter}`,
      order: 'oldest',
    });
    const response = await fetch(`${watched.embedded.url}/api/v1/dns?${query.toString()}`);
    expect(response.status).toBe(200);
    return ((await response.json()) as { lookups: Row[] }).lookups;
  }

  async function domainsByPort(): Promise<Record<string, unknown>> {
    const rows = await watched.embedded.store.query<{ src_port: number; domains: string[] }>(
      `SELECT src_port, groupUniqArray(dst_domain) AS domains FROM flows
       WHERE primary AND protocol = 6 AND src_port BETWEEN 34001 AND 34004 GROUP BY src_port`,
    );
    return Object.fromEntries(rows.map(({ src_port: port, domains }) => [port, domains]));
  }

  function podOn(node: string, workload: string): LabPodInterface {
    const pods = watched.lab.nodes.find(({ name }) => name === node)?.podInterfaces ?? [];
    const pod = pods.find((candidate) => candidate.pod.startsWith(workload));
    if (!pod) throw new Error(`the lab has no ${workload} on ${node}`);
    return pod;
  }
});

/** Orders lookups by query name, then by query type. */
function byNameAndType(a: Row, b: Row): number {
  const question = ({ query_name, query_type }: Row) => `${String(query_name)} ${String(query_type)}`;
  return question(a).localeCompare(question(b));
}
