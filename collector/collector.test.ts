import { observedDns } from '@sonde/test/builders/dns';
import type { FlowBatch } from '@sonde/model/batch/batch';
import { stringAt } from '@sonde/model/record/string-column';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { describe, expect, it } from 'vitest';
import { runCollector } from './collector.js';
import type { ObservedWindow } from './source/flow-source.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const TIMES = { start_time: NOON, end_time: NOON + 1 };

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
    const dns = observedDns([{ query_name: 'api.example', start_time: NOON }]);
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

  it.each([
    ['before 2000', 0, 0],
    ['after 2106, which ClickHouse stores as another time', 2 ** 32 * 1000, 2 ** 32 * 1000],
    ['that end after 2100', NOON, Date.UTC(2100, 0)],
    ['beyond 64 bits of microseconds', 2 ** 53 - 1, 2 ** 53 - 1],
  ])('drops records %s, and counts them as lost', async (_, start_time, end_time) => {
    const flows = observedFlows([
      { src_port: 1, src_ip: '10.0.0.1', src_process: 'a', ...TIMES },
      { src_port: 2, src_ip: '10.0.0.2', src_process: 'b', start_time, end_time },
      { src_port: 3, src_ip: '10.0.0.3', src_process: 'c', ...TIMES },
    ]);
    const dns = observedDns([
      { query_name: 'lost.example', start_time: end_time },
      { query_name: 'kept.example', start_time: NOON },
    ]);
    const [batch] = await published([{ ...flows, dns, counters: new Map() }]);
    expect(batch?.losses).toEqual({ flows_invalid_time: 1, lookups_invalid_time: 1 });
    const { columns, rows } = batch ?? flows;
    expect([rows, ...columns.src_port]).toEqual([2, 1, 3]);
    expect([0, 1].map((row) => stringAt(columns.src_process, row))).toEqual(['a', 'c']);
    expect([columns.src_ip[15], columns.src_ip[31]]).toEqual([1, 3]);
    expect(batch?.dns?.rows).toBe(1);
  });

  it('reports lost records of a window that has no others', async () => {
    const flows = observedFlows([{ start_time: 0, end_time: 0 }]);
    const batches = await published([{ ...flows, counters: new Map() }]);
    expect(batches.map(({ rows, losses }) => [rows, losses])).toEqual([[0, { flows_invalid_time: 1 }]]);
  });
});

function window(rows: number, counters: Record<string, number> = {}): ObservedWindow {
  const flows = Array.from({ length: rows }, (_, row) => ({
    src_port: row,
    src_process: `p${row % 5}`,
    ...TIMES,
  }));
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
