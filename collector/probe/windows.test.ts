import { formatAddress } from '@sonde/model/net/address';
import type { StringColumn } from '@sonde/model/record/columns';
import { observedDnsFields } from '@sonde/model/dns/records';
import { recordRow } from '@sonde/model/record/rows';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { below, randomNumbers } from '@sonde/test/builders/random';
import { describe, expect, it } from 'vitest';
import type { ObservedWindow } from '../source/flow-source.js';
import {
  countersPayload,
  dnsPayload,
  type DnsSpec,
  flowsPayload,
  type FlowSpec,
  frame,
  namesPayload,
  text,
} from '@sonde/test/builders/probe-frames';
import { FLOW_RECORD_BYTES } from './flow-records.js';
import { type ProbeEvents, probeWindows } from './windows.js';

const FLOWS = 2;
const COUNTERS = 3;
const DNS = 6;
const NOW_MICROS = 1_780_000_000_123_456;

const flow: FlowSpec = {
  sourceAddress: '10.0.1.2',
  destinationAddress: '2001:db8::9',
  serviceAddress: '10.96.0.1',
  startMicros: NOW_MICROS,
  endMicros: NOW_MICROS + 2_000_000,
  bytesOut: 2 ** 40 + 5,
  bytesIn: 300,
  packetsOut: 7,
  packetsIn: 6,
  connectionsStarted: 2,
  connectionsCompleted: 1,
  rttMicros: 150,
  rttMinMicros: 120,
  connectMicros: 180,
  sourcePort: 40_000,
  destinationPort: 8080,
  servicePort: 80,
  tcpFlags: 0x13,
  protocol: 6,
  icmpType: 3,
  icmpCode: 4,
  connectionState: 3,
  ends: 2,
};

async function windowsOf(frames: readonly Buffer[], events?: ProbeEvents): Promise<ObservedWindow[]> {
  async function* stream() {
    await Promise.resolve();
    yield* frames;
  }
  const windows = [];
  for await (const window of probeWindows(stream(), events)) windows.push(window);
  return windows;
}

const rowsOf = (windows: readonly ObservedWindow[]) => windows.map(({ rows }) => rows);
const lastCounter = (windows: readonly ObservedWindow[], name: string) => windows.at(-1)?.counters.get(name);

describe('flow records of a probe', () => {
  it.each([1, 2, 3, 5])('are converted to the same columns behind %i foreign bytes', async (foreign) => {
    const frames = Buffer.concat([
      frame(FLOWS, flowsPayload([flow, { ...flow, sourcePort: 40_001 }]), 0),
      frame(COUNTERS, countersPayload(NOW_MICROS), 1),
    ]);
    const [aligned] = await windowsOf([frames]);
    const [shifted] = await windowsOf([Buffer.concat([Buffer.alloc(foreign), frames])]);
    expect(shifted?.rows).toBe(2);
    expect(shifted?.columns).toEqual(aligned?.columns);
  });

  it('are converted to columns field by field', async () => {
    const [window] = await windowsOf([
      frame(FLOWS, flowsPayload([flow]), 0),
      frame(COUNTERS, countersPayload(NOW_MICROS), 1),
    ]);
    if (!window) throw new Error('no window');
    const { columns } = window;
    const wide = (column: BigUint64Array) => readWide(halvesOf(column), 0);
    expect(window.rows).toBe(1);
    expect(
      [columns.src_ip, columns.dst_ip, columns.dst_service_ip].map((column) => formatAddress(column)),
    ).toEqual(['10.0.1.2', '2001:db8::9', '10.96.0.1']);
    expect([columns.start_time, columns.end_time].map(wide)).toEqual([1_780_000_000_123, 1_780_000_002_123]);
    expect([columns.bytes_out, columns.bytes_in, columns.packets_out, columns.packets_in].map(wide)).toEqual([
      2 ** 40 + 5,
      300,
      7,
      6,
    ]);
    expect({
      started: columns.connections_started[0],
      completed: columns.connections_completed[0],
      rtt: columns.rtt_us[0],
      rttMin: columns.rtt_min_us[0],
      connect: columns.connect_us[0],
      sampling: columns.sampling[0],
      ports: [columns.src_port[0], columns.dst_port[0], columns.dst_service_port[0]],
      flags: columns.tcp_flags[0],
      protocol: columns.protocol[0],
      icmp: [columns.icmp_type[0], columns.icmp_code[0]],
      state: columns.connection_state[0],
      reporter: columns.reporter[0],
    }).toEqual({
      started: 2,
      completed: 1,
      rtt: 150,
      rttMin: 120,
      connect: 180,
      sampling: 1,
      ports: [40_000, 8080, 80],
      flags: 0x13,
      protocol: 6,
      icmp: [3, 4],
      state: 3,
      reporter: 1,
    });
  });

  it('include drops, retransmits, tunnels and processes, with names resolved', async () => {
    const unhealthy = {
      ...flow,
      retransmits: 4,
      droppedPackets: 3,
      droppedBytes: 2 ** 35,
      dropReason: 7,
      sourceProcess: 2,
    };
    const wrapped = {
      vlan: 12,
      tunnel: 1,
      tunnelId: 4096,
      sourceTunnelAddress: '192.0.2.7',
      ageMicros: 2 ** 33,
      durationMicros: 2 ** 34,
      sourceNatAddress: '198.51.100.1',
      sourceNatPort: 61_000,
      orientation: 4,
      sourceCgroup: 2 ** 40,
      tlsServer: 9,
    };
    const [window] = await windowsOf([
      frame(5, namesPayload(0, { 7: 'NETFILTER_DROP' }), 0),
      frame(5, namesPayload(1, { 2: 'curl' }), 1),
      frame(FLOWS, flowsPayload([{ ...unhealthy, ...wrapped }, flow]), 2),
    ]);
    if (!window) throw new Error('no window');
    const { columns } = window;
    const wide = (column: BigUint64Array) => readWide(halvesOf(column), 0);
    const text = ({ indexes, dictionary }: StringColumn, row: number) => dictionary[indexes[row] ?? -1];
    expect([columns.retransmits[0], wide(columns.dropped_packets), wide(columns.dropped_bytes)]).toEqual([
      4,
      3,
      2 ** 35,
    ]);
    expect([columns.vlan[0], columns.tunnel[0], columns.tunnel_id[0], wide(columns.src_cgroup)]).toEqual([
      12,
      1,
      4096,
      2 ** 40,
    ]);
    expect(formatAddress(columns.src_tunnel_ip)).toBe('192.0.2.7');
    expect([wide(columns.connection_age_us), wide(columns.connection_duration_us)]).toEqual([
      2 ** 33,
      2 ** 34,
    ]);
    expect([formatAddress(columns.src_nat_ip), columns.src_nat_port[0]]).toEqual(['198.51.100.1', 61_000]);
    expect([0, 1].map((row) => columns.orientation[row])).toEqual([4, 0]);
    expect([0, 1].map((row) => text(columns.drop_reason, row))).toEqual(['NETFILTER_DROP', '']);
    expect([text(columns.src_process, 0), text(columns.dst_process, 0)]).toEqual(['curl', '']);
    // Its NAMES frame was not received.
    expect(text(columns.tls_server_name, 0)).toBe('#9');
  });

  it('of several frames form one window, ended by the COUNTERS frame', async () => {
    const windows = await windowsOf([
      frame(FLOWS, flowsPayload([flow, flow]), 0),
      frame(FLOWS, flowsPayload([flow]), 1),
      frame(COUNTERS, countersPayload(NOW_MICROS, { packets_seen: 9 }), 2),
      frame(COUNTERS, countersPayload(NOW_MICROS), 3),
    ]);
    expect(rowsOf(windows)).toEqual([3, 0, 0]);
    expect(windows[0]?.counters.get('packets_seen')).toBe(9);
  });

  it('of a newer probe with longer records are read without the additional fields', async () => {
    const longer = flowsPayload([flow, { ...flow, sourcePort: 1234 }], FLOW_RECORD_BYTES + 24);
    const [window] = await windowsOf([frame(FLOWS, longer, 0)]);
    expect([...(window?.columns.src_port ?? [])]).toEqual([40_000, 1234]);
  });

  it('are reported when the stream ends without a last COUNTERS frame', async () => {
    expect(rowsOf(await windowsOf([frame(FLOWS, flowsPayload([flow]), 0)]))).toEqual([1]);
  });
});

describe('DNS lookups of a probe', () => {
  const lookup: DnsSpec = {
    client: '10.0.1.2',
    clientPort: 40_000,
    server: 'fd00::53',
    startMicros: NOW_MICROS,
    latencyMicros: 700,
    queryType: 28,
    queryName: 'api.example.com',
    addresses: [
      { address: '2001:db8::9', seconds: 300 },
      { address: '2001:db8::8', seconds: 60 },
    ],
  };

  async function dnsRows(...lookups: DnsSpec[]) {
    const [window] = await windowsOf([
      frame(DNS, dnsPayload(lookups), 0),
      frame(COUNTERS, countersPayload(0), 1),
    ]);
    const dns = window?.dns;
    if (!dns) throw new Error('no lookups');
    return Array.from({ length: dns.rows }, (_, row) => recordRow(observedDnsFields, dns.columns, row));
  }

  it('are converted to columns field by field', async () => {
    expect(await dnsRows(lookup)).toEqual([
      {
        start_time: new Date(1_780_000_000_123).toISOString(),
        src_ip: '10.0.1.2',
        src_port: 40_000,
        dst_ip: 'fd00::53',
        protocol: 17,
        query_name: 'api.example.com',
        query_type: 'AAAA',
        answered: true,
        rcode: 'NOERROR',
        latency_us: 700,
        answers: '2001:db8::9,2001:db8::8',
        answer_ttl_s: 60,
      },
    ]);
  });

  it('state whether they were answered and with which response code', async () => {
    const rows = await dnsRows(
      { ...lookup, responseCode: 3, addresses: [] },
      { ...lookup, responseCode: 15 },
      { ...lookup, answered: false, queryType: 65_280, addresses: [] },
    );
    expect(
      rows.map(({ answered, rcode, query_type, answer_ttl_s }) => [
        answered,
        rcode,
        query_type,
        answer_ttl_s,
      ]),
    ).toEqual([
      [true, 'NXDOMAIN', 'AAAA', 0],
      [true, 'RCODE15', 'AAAA', 60],
      [false, 'NONE', 'TYPE65280', 0],
    ]);
  });

  it('are in the window in which they ended', async () => {
    const windows = await windowsOf([
      frame(FLOWS, flowsPayload([flow]), 0),
      frame(COUNTERS, countersPayload(NOW_MICROS), 1),
      frame(DNS, dnsPayload([lookup]), 2),
      frame(DNS, dnsPayload([lookup, lookup]), 3),
      frame(COUNTERS, countersPayload(NOW_MICROS), 4),
    ]);
    expect(windows.map(({ rows, dns }) => [rows, dns?.rows])).toEqual([
      [1, undefined],
      [0, 3],
      [0, undefined],
    ]);
  });
});

describe('a damaged frame', () => {
  const dnsLookup = {
    client: '10.0.1.2',
    server: '10.0.0.2',
    startMicros: NOW_MICROS,
    queryName: 'a.example',
  };
  const good = frame(FLOWS, flowsPayload([flow]), 1);
  const wrongState = flowsPayload([flow, { ...flow, connectionState: 200 }]);
  const wrongOrientation = flowsPayload([{ ...flow, orientation: 5 }]);
  const wrongTimes = flowsPayload([{ ...flow, startMicros: 2 ** 52, endMicros: 0 }]);
  const tooShort = flowsPayload([flow]).subarray(0, 100);
  const shortStride = Buffer.from([1, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const wrongCounterCount = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 5]);

  it.each([
    ['an impossible connection state', FLOWS, wrongState],
    ['an impossible orientation', FLOWS, wrongOrientation],
    ['impossible times', FLOWS, wrongTimes],
    ['fewer bytes than its records need', FLOWS, tooShort],
    ['records shorter than the protocol has', FLOWS, shortStride],
    ['no header', FLOWS, Buffer.from([1])],
    ['a wrong number of counters', COUNTERS, wrongCounterCount],
    ['a truncated HELLO', 1, Buffer.from([1, 2, 3])],
    ['an impossible DNS response code', DNS, dnsPayload([{ ...dnsLookup, responseCode: 16 }])],
    ['an impossible DNS time', DNS, dnsPayload([{ ...dnsLookup, startMicros: 2 ** 53 }])],
    ['a truncated DNS transaction', DNS, dnsPayload([dnsLookup]).subarray(0, 50)],
  ])('with %s is counted and reported, and later frames are read', async (_, type, payload) => {
    const faults: string[] = [];
    const windows = await windowsOf([frame(type, payload, 0), good], {
      onFault: (reason) => faults.push(reason),
    });
    expect(rowsOf(windows)).toEqual([1]);
    expect(lastCounter(windows, 'lost_frames_malformed')).toBe(1);
    expect(faults).toHaveLength(1);
  });

  it('of an unknown type is counted and skipped', async () => {
    const windows = await windowsOf([frame(999, text('from the future'), 0), good]);
    expect(rowsOf(windows)).toEqual([1]);
    expect(lastCounter(windows, 'stream_frames_unknown_type')).toBe(1);
  });

  it('never makes the reader fail, whichever bytes are changed', async () => {
    const stream = Buffer.concat([
      frame(1, Buffer.concat([Buffer.alloc(16), text('6.1.0')]), 0),
      frame(4, Buffer.concat([Buffer.from([1, 0, 0, 0, 2, 0, 0, 0, 0]), text('veth1')]), 1),
      frame(FLOWS, flowsPayload([flow, flow]), 2),
      frame(DNS, dnsPayload([dnsLookup]), 3),
      frame(COUNTERS, countersPayload(NOW_MICROS, { lost_packets_map_full: 3 }), 4),
    ]);
    const random = randomNumbers(20261121);
    let faults = 0;
    for (let round = 0; round < 2000; round++) {
      const damaged = Buffer.from(stream);
      for (let change = 0; change <= round % 8; change++)
        damaged[below(damaged.length, random)] = below(256, random);
      const windows = await windowsOf([damaged.subarray(0, below(damaged.length + 1, random))]);
      for (const name of [
        'lost_frames_truncated',
        'lost_frames_malformed',
        'stream_bytes_skipped',
        'lost_frames_oversized',
      ]) {
        faults += lastCounter(windows, name) ?? 0;
      }
    }
    expect(faults).toBeGreaterThan(1000);
  });
});
