import { readFileSync } from 'node:fs';
import { Readiness } from '@sonde/backbone/metrics/readiness';
import { describeKinds } from '@sonde/enricher/live-cluster';
import { registerClusterMetrics } from '@sonde/enricher/metrics';
import { PolicyHistory } from '@sonde/enricher/policy/policy-history';
import { connectApiServer } from '@sonde/enricher/watch/api-server';
import { Credentials } from '@sonde/backbone/kubernetes/credentials';
import type { ObjectSink } from '@sonde/enricher/watch/known-objects';
import { plainKubeConfig } from '@sonde/backbone/kubernetes/kube-config';
import { WATCHED_RESOURCES } from '@sonde/enricher/watch/resources';
import pino from 'pino';
import { Registry } from 'prom-client';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { buildPod } from '../builders/pod.js';
import { eventually } from '../eventually.js';
import { kubernetesCase } from './case-file.js';
import { FakeApiServer } from './fake-api-server.js';
import { followFake, stopFollowing } from './follow-fake.js';

const PODS = '/api/v1/pods';
const POLICIES = '/apis/networking.k8s.io/v1/networkpolicies';
const START = Date.parse('2026-01-01T00:00:00Z');
const WEB = buildPod({ name: 'web', ip: '10.1.0.1', startMs: START });
const FLOW = { src_ip: '10.1.0.1', dst_ip: '10.1.0.2', protocol: 6, dst_port: 80, start_time: START + 5000 };
const POLICY = {
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  ...{ metadata: { name: 'deny', namespace: 'shop' }, spec: { podSelector: {}, policyTypes: ['Egress'] } },
};

afterEach(stopFollowing);

/** Notes objects as they are added and removed. */
function noting() {
  const removed: string[] = [];
  const observer: ObjectSink = {
    apply: () => undefined,
    remove: ({ kind, metadata }) => removed.push(`${kind} ${metadata.name}`),
  };
  return { observer, removed };
}

it('reads the list of a kind that has no objects, as Kubernetes 1.36 sends it', async () => {
  const file = kubernetesCase('empty-metadata-list.json');
  const { request, answer_of_kubernetes_1_36: answer } = JSON.parse(readFileSync(file, 'utf8')) as {
    request: { path: string; accept: string };
    answer_of_kubernetes_1_36: { items: unknown };
  };
  const server = new FakeApiServer(['/apis/batch/v1/jobs']);
  await server.start();
  try {
    const response = await fetch(server.url + request.path, { headers: { accept: request.accept } });
    expect(await response.json()).toMatchObject({ kind: 'PartialObjectMetadataList', items: answer.items });
    const credentials = new Credentials(plainKubeConfig(server.url, ''));
    const api = connectApiServer(credentials, 'metadata');
    const page = await api.list('/apis/batch/v1/jobs', { limit: '500' }, AbortSignal.timeout(30_000));
    expect(page.items).toEqual([]);
  } finally {
    await server.stop();
  }
  const { followed } = await followFake();
  await followed.ready;
});

it('waits for a server that rejects every request while it starts', async () => {
  const { observer, removed } = noting();
  let isReady = false;
  const { server, followed, holder, enriched } = await followFake({
    prepare(fake) {
      fake.put(PODS, WEB);
      fake.interrupt(403);
    },
    observer,
  });
  void followed.ready.then(() => (isReady = true));
  await eventually(() => expect(server.requests.unavailable).toBeGreaterThan(20));
  expect(isReady).toBe(false);
  expect(followed.problem).toMatch(/pods are forbidden: GET .*403/);
  expect(enriched(FLOW).action).toBe('unknown');
  server.resume();
  await followed.ready;
  expect(holder('10.1.0.1', START)?.name).toBe('web');
  expect(enriched(FLOW).action).toBe('allow');
  expect(followed.problem).toBeUndefined();
  expect(removed).toEqual([]);
});

it('keeps what it knows of a kind that it may no longer list', async () => {
  const { observer, removed } = noting();
  const { server, followed, holder, enriched } = await followFake({
    prepare(fake) {
      fake.put(PODS, WEB);
      fake.put(POLICIES, POLICY);
    },
    observer,
  });
  await followed.ready;
  expect(enriched(FLOW).action).toBe('deny');
  for (const path of [PODS, POLICIES]) server.authorize(path, false);
  server.compact();
  server.disconnect();
  await eventually(() => expect(followed.kinds.get('pods')?.state).toBe('forbidden'));
  expect(holder('10.1.0.1', Date.now())?.name).toBe('web');
  expect(enriched(FLOW).action).toBe('deny');
  server.delete(POLICIES, POLICY);
  for (const path of [PODS, POLICIES]) server.authorize(path, true);
  await eventually(() => expect(removed).toEqual(['NetworkPolicy deny']));
  await eventually(() => expect(enriched(FLOW).action).toBe('allow'));
});

it('shows verdicts as unknown while a policy kind exists that it may not list', async () => {
  const path = '/apis/cilium.io/v2/ciliumnetworkpolicies';
  const { server, followed, enriched } = await followFake({
    prepare(fake) {
      fake.put(PODS, WEB);
      fake.serve(path);
      fake.authorize(path, false);
    },
  });
  const kind = 'ciliumnetworkpolicies.cilium.io';
  await eventually(() => expect(followed.problem).toMatch(new RegExp(`^${kind} are forbidden: [^;]*$`)));
  expect(enriched(FLOW)).toMatchObject({
    ...{ action: 'unknown', policies: `0|unread|unread:${kind}|unknown|-2`, src_name: 'web' },
  });
  server.authorize(path, true);
  await followed.ready;
  expect(enriched(FLOW).action).toBe('allow');
});

it('treats a forbidden kind as absent if the server does not have it', async () => {
  const { followed } = await followFake({
    prepare: (fake) => fake.authorize('/apis/cilium.io/v2/ciliumnetworkpolicies', false),
  });
  await followed.ready;
  expect(followed.kinds.get('ciliumnetworkpolicies.cilium.io')?.state).toBe('absent');
});

it('shows on /readyz and in metrics since when each kind is followed, or why it is not', async () => {
  const beforeMs = Date.now();
  const { server, context, followed } = await followFake();
  await followed.ready;
  server.authorize(PODS, false);
  server.disconnect();
  await eventually(() => expect(followed.kinds.get('pods')?.state).toBe('forbidden'));
  const readiness = new Readiness();
  const registry = new Registry();
  readiness.describe('cluster lab', () => describeKinds(followed.kinds));
  const cluster = { context, history: new PolicyHistory('lab'), watch: followed, hasApiServer: true };
  registerClusterMetrics(registry, new Map([['lab', cluster]]));
  const kinds = describeKinds(followed.kinds) as Record<string, { state: string; since: string }>;
  expect(readiness.details()).toEqual({ 'cluster lab': kinds });
  expect(kinds['pods']).toMatchObject({
    state: 'forbidden',
    reason: expect.stringContaining('403') as string,
  });
  expect(kinds['nodes']?.state).toBe('followed');
  expect(Date.parse(kinds['nodes']?.since ?? '')).toBeGreaterThanOrEqual(beforeMs);
  const metrics = await registry.metrics();
  expect(metrics).toContain('sonde_watch_kind_state{cluster="lab",kind="pods",state="forbidden"} 1');
  expect(metrics).toMatch(
    /sonde_watch_kind_state_since_timestamp_seconds\{cluster="lab",kind="nodes"\} 1\d{9}\.\d+/,
  );
});

it('removes the objects of a kind whose definition was deleted', async () => {
  const path = '/apis/projectcalico.org/v3/networksets';
  const { observer, removed } = noting();
  const { server, followed } = await followFake({
    prepare(fake) {
      fake.serve(path);
      fake.put(path, {
        ...{ apiVersion: 'projectcalico.org/v3', kind: 'NetworkSet' },
        ...{ metadata: { name: 'partners', namespace: 'shop' } },
      });
    },
    observer,
  });
  await followed.ready;
  server.stopServing(path);
  await eventually(() => expect(removed).toEqual(['NetworkSet partners']));
});

it('does not retry before the time that an overloaded server names', async () => {
  const { server, followed } = await followFake();
  await followed.ready;
  server.interrupt(429, 3);
  await eventually(() => expect(server.requests.unavailable).toBeGreaterThan(0));
  await delay(1500);
  // At most one request of each kind, be it for its list or for its version.
  expect(server.requests.unavailable).toBeLessThanOrEqual(2 * WATCHED_RESOURCES.length);
  server.resume();
  await eventually(() => expect(followed.problem).toBeUndefined());
});

it('logs an outage once, and its end', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const { server, followed } = await followFake({ log });
  await followed.ready;
  server.interrupt();
  const logged = (text: string) => lines.filter((line) => line.includes(text));
  await eventually(() => expect(logged('cannot follow the cluster')).toHaveLength(1));
  await eventually(() => expect(server.requests.unavailable).toBeGreaterThan(WATCHED_RESOURCES.length * 3));
  server.resume();
  await eventually(() => expect(logged('following the cluster again')).toHaveLength(1));
  expect(logged('cannot follow the cluster')).toHaveLength(1);
  expect(lines).toHaveLength(2);
});

it('lists again after the database of the server was restored from a backup', async () => {
  const pods = ['a', 'b', 'c'].map((name, index) =>
    buildPod({ name, ip: `10.1.0.${index + 1}`, startMs: START }),
  );
  const { server, followed, holder } = await followFake({
    prepare: (fake) => pods.forEach((pod) => fake.put(PODS, pod)),
  });
  await followed.ready;
  for (let count = 0; count < 5; count++)
    server.put(PODS, buildPod({ name: 'd', ip: '10.1.0.9', startMs: START }));
  await eventually(() => expect(holder('10.1.0.9', Date.now())?.name).toBe('d'));
  server.restore(2, PODS, pods.slice(0, 2));
  await eventually(() => {
    const names = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.9'].map((ip) => holder(ip, Date.now())?.name);
    expect(names).toEqual(['a', 'b', undefined, undefined]);
  });
});

it('lists every kind again from time to time, and finds what no watch reported', async () => {
  const { server, followed, holder } = await followFake({
    prepare: (fake) => fake.put(PODS, WEB),
    intervals: { relistMs: 200 },
  });
  await followed.ready;
  server.restore(1_000, PODS, []);
  await eventually(() => expect(holder('10.1.0.1', Date.now())).toBeUndefined());
});
