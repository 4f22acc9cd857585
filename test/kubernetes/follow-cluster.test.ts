import type { ObjectSink } from '@sonde/enricher/watch/known-objects';
import { collectionPath } from '@sonde/enricher/watch/resources';
import { parseAddress } from '@sonde/model/net/address';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { buildPod } from '../builders/pod.js';
import { BUILT_IN_PATHS } from './fake-api-server.js';
import { followFake, stopFollowing } from './follow-fake.js';

const PODS = '/api/v1/pods';
const START = Date.parse('2026-01-01T00:00:00Z');

afterEach(stopFollowing);

const pod = (name: string, ip: string, startMs = START) => buildPod({ name, ip, startMs });

describe('following a cluster', () => {
  it('lists page by page before it is ready', async () => {
    const { server, followed, holder } = await followFake({
      prepare: (fake) => {
        for (let index = 0; index < 1200; index++)
          fake.put(PODS, pod(`pod-${index}`, `10.1.${index >> 8}.${index & 255}`));
      },
    });
    await followed.ready;
    expect(holder('10.1.0.0', START)?.name).toBe('pod-0');
    expect(holder('10.1.4.175', START)?.name).toBe('pod-1199');
    expect(server.requests.lists).toBeGreaterThanOrEqual(BUILT_IN_PATHS.length + 2);
  });

  it('reports pods that are created, and when they end', async () => {
    const { server, followed, holder } = await followFake();
    await followed.ready;
    server.put(PODS, pod('web', '10.1.0.1'));
    await eventually(() => expect(holder('10.1.0.1', Date.now())?.name).toBe('web'));
    server.delete(PODS, pod('web', '10.1.0.1'));
    await eventually(() => expect(holder('10.1.0.1', Date.now())).toBeUndefined());
    expect(holder('10.1.0.1', START)?.name).toBe('web');
  });

  it('misses no event while the connection is broken', async () => {
    const { server, followed, holder } = await followFake();
    await followed.ready;
    server.bookmark();
    const { lists } = followed.counts;
    server.disconnect();
    server.put(PODS, pod('web', '10.1.0.1'));
    await eventually(() => expect(holder('10.1.0.1', START)?.name).toBe('web'));
    expect(followed.counts.lists).toBe(lists);
  });

  it('lists again after the resource version expired, and removes objects deleted meanwhile', async () => {
    const { server, followed, holder } = await followFake({
      prepare: (fake) => fake.put(PODS, pod('old', '10.1.0.1')),
    });
    await followed.ready;
    server.disconnect();
    server.delete(PODS, pod('old', '10.1.0.1'));
    server.put(PODS, pod('new', '10.1.0.2'));
    server.compact();
    await eventually(() => expect(holder('10.1.0.2', START)?.name).toBe('new'));
    await eventually(() => expect(holder('10.1.0.1', Date.now())).toBeUndefined());
    expect(server.requests.gone).toBeGreaterThan(0);
  });

  it('keeps the address bindings of unchanged pods when it lists again', async () => {
    const { server, context, followed } = await followFake({
      prepare: (fake) => fake.put(PODS, pod('web', '10.1.0.1')),
    });
    await followed.ready;
    const { lists } = followed.counts;
    const before = context.cluster.identities.lookup(parseAddress('10.1.0.1'), 0, START);
    server.compact();
    server.put(PODS, pod('other', '10.1.0.2'));
    server.compact();
    server.disconnect();
    await eventually(() => expect(followed.counts.lists).toBeGreaterThan(lists));
    await eventually(() => expect(context.cluster.identities.size).toBe(2));
    expect(context.cluster.identities.lookup(parseAddress('10.1.0.1'), 0, START)).toBe(before);
  });

  it('continues with a renewed token', async () => {
    const { server, followed, holder, kubeConfig } = await followFake({
      prepare: (fake) => void (fake.token = 'first'),
      token: 'first',
    });
    await followed.ready;
    server.token = 'second';
    server.disconnect();
    server.put(PODS, pod('web', '10.1.0.1'));
    await eventually(() => expect(server.requests.unauthorized).toBeGreaterThan(0));
    expect(holder('10.1.0.1', START)).toBeUndefined();
    Object.assign(kubeConfig.config.getCurrentUser() ?? {}, { token: 'second' });
    await eventually(() => expect(holder('10.1.0.1', START)?.name).toBe('web'));
  });

  it('watches kinds that are installed later', async () => {
    const { server, context, followed } = await followFake();
    await followed.ready;
    const path = collectionPath('crd.projectcalico.org/v1', 'globalnetworksets');
    server.serve(path);
    server.put(path, {
      ...{ apiVersion: 'crd.projectcalico.org/v1', kind: 'GlobalNetworkSet', metadata: { name: 'partners' } },
      ...{ spec: { nets: ['203.0.113.0/24'] } },
    });
    const { networkSets } = context.cluster;
    const address = parseAddress('203.0.113.7');
    await eventually(() => {
      expect(networkSets.match(networkSets.lookup(address, 0))?.name).toBe('partners');
    });
  });

  it('notifies an observer of every object, and of who changed a policy and when', async () => {
    const told: string[] = [];
    const observer: ObjectSink = {
      apply({ kind, metadata: { name, resourceVersion, managedFields } }) {
        told.push(
          `${kind} ${name} version ${resourceVersion ?? 'unsaid'} by ${JSON.stringify(managedFields)}`,
        );
      },
      remove: ({ kind, metadata }) => told.push(`no ${kind} ${metadata.name}`),
    };
    const change = { manager: 'kubectl', operation: 'Update', time: '2026-01-01T00:00:00Z', fieldsV1: {} };
    const policy = {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
      ...{
        metadata: { name: 'deny', namespace: 'shop', managedFields: [change] },
        spec: { podSelector: {} },
      },
    };
    const path = collectionPath('networking.k8s.io/v1', 'networkpolicies');
    const { server, followed } = await followFake({ prepare: (fake) => fake.put(path, policy), observer });
    await followed.ready;
    const by = '[{"manager":"kubectl","operation":"Update","time":"2026-01-01T00:00:00Z"}]';
    expect(told.splice(0)).toEqual([`NetworkPolicy deny version 2 by ${by}`]);
    server.put(PODS, pod('web', '10.1.0.1'));
    server.delete(path, policy);
    await eventually(() => expect(told).toHaveLength(2));
    expect(told.sort()).toEqual(['Pod web version unsaid by undefined', 'no NetworkPolicy deny']);
  });

  it('attributes every flow to the right pod despite churn, disconnects and expired resource versions', async () => {
    const ADDRESSES = 200;
    const ROUNDS = 50;
    const ROUND_MS = 4000;
    /** Rounds that happen while the server is away, and of which it has then forgotten how they went. */
    const WITHHELD = [20, 21, 22, 40];
    /** Rounds during which the connection breaks, and can be resumed. */
    const BROKEN = [5, 13, 30, 33];
    let round = 0;
    const { server, followed, context } = await followFake({ now: () => START + round * ROUND_MS });
    await followed.ready;
    const addressOf = (slot: number, at: number) => {
      const index = (slot * 7 + at) % ADDRESSES;
      return `10.2.${index >> 8}.${index & 255}`;
    };
    const podOf = (slot: number, at: number) =>
      buildPod({ name: `pod-${slot}-${at}`, ip: addressOf(slot, at), startMs: START + at * ROUND_MS });
    const { identities } = context.cluster;
    const nameAt = (slot: number, at: number, timeMs: number) =>
      identities.identity(identities.lookup(parseAddress(addressOf(slot, at)), 0, timeMs))?.name;
    const slots = Array.from({ length: ADDRESSES }, (_, slot) => slot);

    for (; round < ROUNDS; round++) {
      if (WITHHELD.includes(round)) server.interrupt();
      for (const slot of slots) {
        // Of half of the pods the server tells only after it told who has their address now.
        const late = (slot + round) % 2 === 0;
        if (round > 0 && !late) server.delete(PODS, podOf(slot, round - 1));
        server.put(PODS, podOf(slot, round));
        if (round > 0 && late) server.delete(PODS, podOf(slot, round - 1));
        if (BROKEN.includes(round) && slot === 77) server.disconnect();
      }
      if (WITHHELD.includes(round)) {
        server.compact();
        if (WITHHELD.includes(round + 1)) continue;
        server.resume();
      }
      const now = START + round * ROUND_MS;
      await eventually(() => {
        expect(slots.filter((slot) => nameAt(slot, round, now) !== `pod-${slot}-${round}`)).toEqual([]);
      });
    }

    const wrong: string[] = [];
    const unknown = new Set<number>();
    for (let at = 0; at < ROUNDS; at++) {
      for (const slot of slots) {
        for (const timeMs of [START + at * ROUND_MS, START + (at + 1) * ROUND_MS - 1]) {
          const name = nameAt(slot, at, timeMs);
          if (name === undefined) unknown.add(at);
          else if (name !== `pod-${slot}-${at}`) wrong.push(`${timeMs}: ${name}, not pod-${slot}-${at}`);
        }
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    // The last of the rounds withheld is what the new list tells; of the round before, when its pods went.
    expect([...unknown].sort((a, b) => a - b)).toEqual([19, 20, 21, 39]);
  }, 120_000);
});
