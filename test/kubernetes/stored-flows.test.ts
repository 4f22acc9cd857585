import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { type Embedded, startEmbedded } from '@sonde/cli/up/embedded';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import type { ObservedFlowRow } from '../builders/observed-flows.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { buildPod, type PodChoice } from '../builders/pod.js';
import { BUILT_IN_PATHS, FakeApiServer } from './fake-api-server.js';
import { writeKubeConfig } from './kube-config-file.js';
import { ScriptedSource } from './scripted-source.js';

const PODS = '/api/v1/pods';
const OUTSIDE = '198.51.100.1';
/** Longer than a busy machine takes to report a pod. */
const MAX_WAIT_MS = 15_000;

let directory: string;
let embedded: Embedded | undefined;
const servers: FakeApiServer[] = [];

beforeEach(() => {
  directory = temporaryDirectory('stored');
});

afterEach(async () => {
  await embedded?.stop();
  embedded = undefined;
  for (const server of servers.splice(0)) await server.stop();
});

/** Starts the pipeline on clusters of these names, each with an API server and a node of its own. */
async function start(
  names: readonly string[],
  waitMs: number,
  prepare: (server: FakeApiServer, name: string) => void,
) {
  const started = [];
  for (const name of names) {
    const server = new FakeApiServer(BUILT_IN_PATHS);
    await server.start();
    servers.push(server);
    prepare(server, name);
    const access = {
      cluster: { server: server.url, 'insecure-skip-tls-verify': true },
      user: { token: 'any' },
    };
    const file = await writeKubeConfig(directory, access, name);
    started.push({ name, server, source: new ScriptedSource(), file });
  }
  embedded = await startEmbedded({
    clusters: started.map(({ name, source, file }) => ({
      ...{ name, manifests: [], kubeConfig: { file } },
      sources: [{ node: 'node-a', source }],
    })),
    dataDirectory: path.join(directory, 'data'),
    identityTimeoutMs: waitMs,
    api: { host: '127.0.0.1', port: 0 },
    log: createLogger('test', 'silent'),
  });
  return started;
}

async function query<Row>(sql: string): Promise<Row[]> {
  if (!embedded) throw new Error('nothing was started');
  return embedded.store.query<Row>(sql);
}

/** The number of addresses that flows wait or waited for, by outcome. */
async function awaited(): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${embedded?.url ?? ''}/metrics`)).text();
  const outcomes = metrics.matchAll(/^sonde_enricher_awaited_addresses_total\{outcome="(\w+)"\} (\d+)/gm);
  const pending = /^sonde_enricher_pending_addresses (\d+)/m.exec(metrics)?.[1];
  return Object.fromEntries([
    ['waiting', Number(pending)],
    ...[...outcomes].map(([, outcome = '', count]) => [outcome, Number(count)] as const),
  ]);
}

/** A flow to an external address, identified by its port. */
function flow(src_ip: string, src_port: number, timeMs: number): ObservedFlowRow {
  const times = { start_time: timeMs, end_time: timeMs };
  return { src_ip, src_port, dst_ip: OUTSIDE, dst_port: 443, protocol: 6, reporter: 'src', ...times };
}

describe('stored flows', () => {
  it('name the pod that held their address, even if the API server reports the pod after the flow', async () => {
    const [ADDRESSES, ROUNDS, ROUND_MS] = [40, 8, 1000];
    /** Of one pod of the last round the server never tells. */
    const WITHHELD = 7;
    const slots = Array.from({ length: ADDRESSES }, (_, slot) => slot);
    const addressOf = (slot: number, round: number) => `10.1.0.${1 + ((slot * 7 + round) % ADDRESSES)}`;
    const [cluster] = await start(['lab'], MAX_WAIT_MS, (server) => {
      server.put(PODS, buildPod({ name: 'neighbor', ip: '10.1.0.250', startMs: 0 }));
    });
    if (!cluster) throw new Error('nothing was started');
    const { server, source } = cluster;
    // Pods' times are whole seconds; flows must be fresh to be waited for.
    const begin = Math.floor(Date.now() / 1000) * 1000 - ROUNDS * ROUND_MS;
    const pod = (slot: number, round: number): PodChoice => {
      return { name: `pod-${slot}-${round}`, ip: addressOf(slot, round), startMs: begin + round * ROUND_MS };
    };

    const ledger = new Map<number, string>();
    for (let round = 0; round < ROUNDS; round++) {
      const startMs = begin + round * ROUND_MS;
      if (round > 0)
        for (const slot of slots) server.put(PODS, buildPod({ ...pod(slot, round - 1), endMs: startMs }));
      const rows = slots.flatMap((slot) =>
        [0, ROUND_MS / 2, ROUND_MS - 1].map((afterMs, place) => {
          const port = 1000 + (round * ADDRESSES + slot) * 3 + place;
          const isKnown = round < ROUNDS - 1 || slot !== WITHHELD;
          ledger.set(port, isKnown ? `shop/pod-${slot}-${round}` : '/');
          return flow(addressOf(slot, round), port, startMs + afterMs);
        }),
      );
      source.report(rows);
      // The server tells of them when their flows wait already.
      const known = round * ADDRESSES;
      await eventually(async () =>
        expect(await awaited()).toEqual({ waiting: ADDRESSES, resolved: known, timed_out: 0 }),
      );
      for (const slot of slots) {
        if (round > 0) server.delete(PODS, buildPod(pod(slot, round - 1)));
        if (round < ROUNDS - 1 || slot !== WITHHELD) server.put(PODS, buildPod(pod(slot, round)));
      }
    }

    const stored = await eventually(async () => {
      const rows = await query<{ port: number; name: string }>(
        `SELECT src_port AS port, concat(src_namespace, '/', src_name) AS name FROM flows`,
      );
      expect(rows).toHaveLength(ledger.size);
      return rows;
    }, 40_000);
    const wrong = stored.filter(({ port, name }) => ledger.get(port) !== name);
    expect(wrong.map((row) => `${row.port}: ${row.name}, not ${ledger.get(row.port) ?? ''}`)).toEqual([]);
    expect(new Set(stored.map(({ port }) => port)).size).toBe(ledger.size);
    expect(await awaited()).toEqual({ waiting: 0, resolved: ROUNDS * ADDRESSES - 1, timed_out: 1 });
  }, 180_000);

  it('of several clusters are kept apart, even if addresses, pods and nodes have the same names', async () => {
    const startMs = Math.floor(Date.now() / 1000) * 1000 - 10_000;
    const names = ['east', 'west'];
    const started = await start(names, 0, (server, name) => {
      const labels = { in: name };
      server.put(PODS, buildPod({ name: 'db', ip: '10.1.0.1', startMs, labels }));
      server.put(PODS, buildPod({ name: `only-${name}`, ip: '10.1.0.2', startMs, labels }));
      server.put(
        PODS,
        buildPod({ name: 'client', ip: name === 'east' ? '10.1.0.3' : '10.1.0.4', startMs, labels }),
      );
    });
    const ips = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'];
    for (const { source } of started) source.report(ips.map((ip, index) => flow(ip, index, startMs + 1000)));
    const labels = (name: string) => `app=web,in=${name}`;
    const expected = names.flatMap((cluster) => [
      { cluster, port: 0, name: 'db', labels: labels(cluster) },
      { cluster, port: 1, name: `only-${cluster}`, labels: labels(cluster) },
      {
        cluster,
        port: 2,
        ...(cluster === 'east' ? { name: 'client', labels: labels(cluster) } : { name: '', labels: '' }),
      },
      {
        cluster,
        port: 3,
        ...(cluster === 'west' ? { name: 'client', labels: labels(cluster) } : { name: '', labels: '' }),
      },
    ]);
    await eventually(async () => {
      const rows = await query(
        `SELECT cluster, src_port AS port, src_name AS name, src_labels AS labels FROM flows ORDER BY cluster, port`,
      );
      expect(rows).toEqual(expected);
    }, 40_000);
  }, 180_000);
});
