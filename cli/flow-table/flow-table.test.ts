import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import { allocateColumn } from '@sonde/model/record/columns';
import { type FlowColumns } from '@sonde/model/flow/records';
import { flowFields } from '@sonde/model/flow/fields';
import { type FlowRow, flowRow } from '@sonde/model/flow/records';
import { describe, expect, it } from 'vitest';
import { bytesText, flowCells, microsText, verdictText } from './cells.js';
import { paintFor } from '../table/color.js';
import { screenOf } from '../table/screen.js';
import { flowLayout, flowLine } from './lines.js';
import { LiveTable } from './live.js';

const plain = paintFor({});
const screen = screenOf({});
const times = { utc: true, nowMs: 0 };
const layout = flowLayout([], undefined);
const colored = paintFor({ isTTY: true }, {});

function flow(context: Partial<FlowRow> = {}, observed: ObservedFlowRow = {}): FlowRow {
  const seen = observedFlows([
    { src_ip: '10.0.0.1', dst_ip: '10.0.0.2', dst_port: 8080, protocol: 6, ...observed },
  ]);
  const empty = Object.fromEntries(flowFields.map(({ name, type }) => [name, allocateColumn(type, 1)]));
  const ends = { src_kind: 'pod', dst_kind: 'pod', src_namespace: 'shop', dst_namespace: 'shop' } as const;
  const rest = {
    src_workload: 'web',
    dst_workload: 'api',
    primary: true,
    action: 'unknown',
    evidence: 'delivered',
  } as const;
  return { ...flowRow({ ...empty, ...seen.columns } as FlowColumns, 0), ...ends, ...rest, ...context };
}

describe('a flow in the table', () => {
  it('names both ends by workload and the service where it has another name', () => {
    expect(flowCells(flow({ dst_service: 'api', dst_service_namespace: 'shop' }), times)).toMatchObject({
      source: 'shop/web',
      destination: 'shop/api',
      port: 'tcp 8080',
    });
    const elsewhere = flow({ dst_service: 'gateway', dst_service_namespace: 'infra', dst_service_port: 80 });
    expect(flowCells(elsewhere, times)).toMatchObject({
      destination: 'shop/api (infra/gateway)',
      port: 'tcp 80',
    });
  });

  it.each([
    [{ dst_kind: 'external' }, '10.0.0.2'],
    [{ dst_kind: 'external', dst_domain: 'api.example.com' }, 'api.example.com'],
    [
      { dst_kind: 'network_set', dst_namespace: '', dst_workload: '', dst_name: 'partners' },
      '10.0.0.2 [partners]',
    ],
    [{ dst_kind: 'node', dst_namespace: '', dst_workload: '', dst_name: 'node-a' }, 'node node-a'],
    [{ dst_kind: 'service', dst_workload: '', dst_name: 'api', dst_service: 'api' }, 'service shop/api'],
  ] satisfies [Partial<FlowRow>, string][])('with %o goes to %s', (context, destination) => {
    expect(flowCells(flow(context), times).destination).toBe(destination);
  });

  it('shows type and code in place of a port for ICMP', () => {
    expect(flowCells(flow({}, { protocol: 1, icmp_type: 8, dst_port: 0 }), times).port).toBe('icmp 8/0');
  });

  it('says what the policies say and what the wire showed', () => {
    expect(verdictText({ action: 'unknown', evidence: 'refused', drop_reason: '' })).toBe('refused');
    expect(verdictText({ action: 'deny', evidence: 'dropped', drop_reason: 'NETFILTER_DROP' })).toBe(
      'deny, dropped (NETFILTER_DROP)',
    );
  });

  it('writes amounts in three figures', () => {
    expect([0, 999, 1000, 4610, 999_600, 23_000_000].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '4.61 kB',
      '1.00 MB',
      '23.0 MB',
    ]);
    expect([0, 999, 1500].map(microsText)).toEqual(['-', '999 µs', '1.50 ms']);
  });

  it('is a line whose cells stand under their titles, with color only on a terminal', () => {
    const line = flowLine(layout, flow(), times, plain);
    expect(line.indexOf('shop/api')).toBe(layout.title(plain).indexOf('DESTINATION'));
    expect(line).not.toContain('\x1b');
    expect(flowLine(layout, flow(), times, colored)).toContain('\x1b[32mdelivered');
    expect(flowLine(layout, flow({ action: 'deny', evidence: 'dropped' }), times, colored)).toContain(
      '\x1b[31mdeny',
    );
    expect(paintFor({ isTTY: true }, { NO_COLOR: '1' })('red', 'x')).toBe('x');
  });
});

describe('the live table', () => {
  it('sums the flows of a conversation', () => {
    const table = new LiveTable();
    table.add(flow({ bytes_out: 100, bytes_in: 50, packets_out: 2, rtt_us: 100 }), times);
    table.add(flow({ bytes_out: 100, bytes_in: 0, packets_out: 1, rtt_us: 300 }), times);
    const lines = table.lines(20, 'Foot.', screen);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/shop\/web +shop\/api +tcp 8080 +delivered +250 B +3 +200 µs$/);
    expect(lines[2]).toBe('2 flows in 1 conversation. Foot.');
  });

  it('keeps to the height of the screen, with the latest conversations', () => {
    const table = new LiveTable();
    for (let port = 1; port <= 50; port++) table.add(flow({}, { dst_port: port }), times);
    const lines = table.lines(10, '', screen);
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(lines.join('\n')).toContain('tcp 50 ');
    expect(lines.join('\n')).not.toContain('tcp 1 ');
  });
});
