import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedDns } from '@sonde/test/builders/dns';
import { batchOf } from '@sonde/test/builders/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { flowRow } from '@sonde/model/flow/records';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LiveContext } from './context.js';
import { enrich } from './enrich.js';
import { enrichDns } from './enrich-dns.js';
import { warmDomains } from '../domains/warm-domains.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const MINUTE_MS = 60_000;
const CLIENTS = { pod: '10.0.0.1', stranger: '198.51.100.1', ipv6: '2001:db8::1' };
const ANSWER = '203.0.113.10';

const pod: KubernetesObject = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } },
  ...{ spec: { nodeName: 'node-a' }, status: { phase: 'Running', podIPs: [{ ip: CLIENTS.pod }] } },
};

let directory: string;
let store: FlowStore;

beforeAll(async () => {
  directory = temporaryDirectory('warm');
  store = await openChdbStore({ directory, log: createLogger('test', 'silent') });
  await store.migrate();
  const asked = (client: string, name: string, minute: number) => ({
    ...{ start_time: NOON + minute * MINUTE_MS, src_ip: client, query_name: name, query_type: 'A' },
    ...{ answered: true, rcode: 'NOERROR' as const, answers: ANSWER, answer_ttl_s: 30 },
  });
  const dns = observedDns([
    asked(CLIENTS.pod, 'old.example', 0),
    asked(CLIENTS.pod, 'pod.example', 5),
    asked(CLIENTS.stranger, 'stranger.example', 20),
    asked(CLIENTS.ipv6, 'ipv6.example', 20),
  ]);
  const batch = batchOf(observedFlows([]), { cluster: 'east', dns });
  await store.insert({ dns: enrichDns([{ batch, partition: 0, offset: 0 }], freshContext()) });
});

afterAll(async () => {
  await store.close();
});

function freshContext(): LiveContext {
  const context = new LiveContext();
  context.apply(pod, 0);
  return context;
}

/** The domains of flows of each client at a minute, in a context that was warmed then. */
async function domains(cluster: string, minute: number) {
  const context = freshContext();
  const now = NOON + minute * MINUTE_MS;
  await warmDomains(store, cluster, context, now);
  const times = { start_time: now, end_time: now };
  const rows = Object.values(CLIENTS).map((src_ip) => ({ src_ip, dst_ip: ANSWER, protocol: 6, ...times }));
  const { columns } = enrich([{ batch: batchOf(observedFlows(rows)), partition: 0, offset: 0 }], context);
  return rows.map((_, row) => flowRow(columns, row).dst_domain);
}

it('answers that the store keeps name the connections of the clients that got them', async () => {
  expect(await domains('east', 21)).toEqual(['', 'stranger.example', 'ipv6.example']);
  expect(await domains('east', 10)).toEqual(['pod.example', '', '']);
});

it('answers of other clusters, or of long ago, name nothing', async () => {
  expect(await domains('west', 10)).toEqual(['', '', '']);
  expect(await domains('east', 100)).toEqual(['', '', '']);
});
