import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from '@sonde/model/cluster/cluster';
import type { Pod } from '@sonde/model/cluster/objects';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { describe, expect, it, vi } from 'vitest';
import { PendingAddresses } from './pending-addresses.js';

const pod = (name: string, ip: string): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } },
  status: { phase: 'Running', podIPs: [{ ip }] },
});

/** A cluster with one pod, 10.1.0.1. */
function neighborhood(): Cluster {
  const cluster = new Cluster();
  cluster.apply(pod('known', '10.1.0.1'), 0);
  return cluster;
}

/** A flow from the known pod, as it was enriched. */
function toStranger(dst_ip: string, time = Date.now()): EnrichedFlows {
  const src = { src_ip: '10.1.0.1', src_kind: 'pod' } as const;
  return enrichedFlows([{ ...src, dst_ip, start_time: time, end_time: time }]);
}

function pendingOn(cluster: Cluster, waitMs = 60_000) {
  const stop = new AbortController();
  return { stop, pending: new PendingAddresses({ clusterOf: () => cluster, waitMs, signal: stop.signal }) };
}

describe('flows of addresses that nothing is known of', () => {
  it('wait until the pod that holds the address is told of', async () => {
    const cluster = neighborhood();
    const { pending } = pendingOn(cluster);
    let settled = false;
    const settling = pending.settle('c', toStranger('10.1.0.2')).then(() => (settled = true));
    await delay(1);
    expect(settled).toBe(false);
    cluster.apply(pod('late', '10.1.0.2'), Date.now());
    await settling;
    expect(pending.counts).toMatchObject({ settled: 1, givenUp: 0 });
  });

  it('do not wait longer than they may, and not again soon for the same address', async () => {
    const { pending } = pendingOn(neighborhood(), 1);
    await pending.settle('c', toStranger('10.1.0.2'));
    expect(pending.counts).toMatchObject({ settled: 0, givenUp: 1 });
    await pending.settle('c', toStranger('10.1.0.2'));
    expect(pending.counts.givenUp).toBe(1);
  });

  it('do not wait longer when the system clock is set back', async () => {
    const { pending } = pendingOn(neighborhood(), 100);
    const now = Date.now.bind(Date);
    const settling = pending.settle('c', toStranger('10.1.0.2'));
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    try {
      expect(await settling).toBe(true);
    } finally {
      clock.mockRestore();
    }
  });

  it.each([
    ['lie where no pod has been', toStranger('198.51.100.1')],
    ['were reported long after they ended', toStranger('10.1.0.2', Date.now() - 3_600_000)],
  ])('do not wait if they %s', async (_, flows) => {
    const { pending } = pendingOn(neighborhood());
    expect(await pending.settle('c', flows)).toBe(false);
    expect(pending.counts).toMatchObject({ settled: 0, givenUp: 0 });
  });

  it('stop waiting when everything is to stop', async () => {
    const { stop, pending } = pendingOn(neighborhood());
    const settling = pending.settle('c', toStranger('10.1.0.2'));
    stop.abort();
    await settling;
    expect(pending.counts.givenUp).toBe(1);
  });
});
