import { observedDns } from '@sonde/test/builders/dns';
import type { FlowBatch } from '@sonde/model/batch/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { describe, expect, it } from 'vitest';
import { runCollector } from './collector.js';
import type { ObservedWindow } from './source/flow-source.js';

describe('a collector', () => {
  it('publishes one numbered batch per window, with losses by reason', async () => {
    const batches = await published([window(2, { lost_packets_map_full: 3, windows: 1 }), window(1)]);
    expect(batches.map(({ sequence, rows, losses }) => [sequence, rows, losses])).toEqual([
      [0, 2, { packets_map_full: 3 }],
      [1, 1, {}],
    ]);
  });

  it('publishes a window without flows only if its losses changed', async () => {
    const lost = { lost_payloads_ring_full: 1 };
    const batches = await published([window(0), window(0, lost), window(0, lost)]);
    expect(batches.map(({ losses }) => losses)).toEqual([{ payloads_ring_full: 1 }]);
  });

  it('splits a window with many flows and sends the DNS lookups in the first batch', async () => {
    const dns = observedDns([{ query_name: 'api.example' }]);
    const batches = await published([{ ...window(40_000), dns }, window(1)]);
    expect(batches.map(({ sequence, rows, dns }) => [sequence, rows, dns?.rows])).toEqual([
      [0, 16_384, 1],
      [1, 16_384, undefined],
      [2, 7_232, undefined],
      [3, 1, undefined],
    ]);
    const ports = batches.slice(0, 3).flatMap(({ columns }) => [...columns.src_port]);
    expect(ports).toEqual(Array.from({ length: 40_000 }, (_, row) => row));
    const [, second] = batches;
    expect(second?.columns.src_ip.length).toBe(16_384 * 16);
    expect(second?.columns.src_process.dictionary[second.columns.src_process.indexes[0] ?? 0]).toBe('p4');
  });
});

function window(rows: number, counters: Record<string, number> = {}): ObservedWindow {
  const flows = Array.from({ length: rows }, (_, row) => ({ src_port: row, src_process: `p${row % 5}` }));
  return { ...observedFlows(flows), counters: new Map(Object.entries(counters)) };
}

async function published(windows: readonly ObservedWindow[]): Promise<FlowBatch[]> {
  const batches: FlowBatch[] = [];
  await runCollector({
    cluster: 'c',
    node: 'n',
    source: {
      async *windows() {
        for (const one of windows) yield await Promise.resolve(one);
      },
      stop: () => undefined,
    },
    publisher: {
      publish(batch) {
        batches.push(batch);
        return Promise.resolve();
      },
    },
  });
  return batches;
}
