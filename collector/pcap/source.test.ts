import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatAddress } from '@sonde/model/net/address';
import { enumerationValue } from '@sonde/model/flow/enumerations';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ObservedWindow } from '../source/flow-source.js';
import { cookedFrame, ethernetFrame, ipPacket, type PacketSpec, pcapFile } from '@sonde/test/builders/pcap';
import { LINK_TYPES } from './link-layer.js';
import { captureSource } from './source.js';

let directory: string;
beforeEach(() => (directory = temporaryDirectory('pcap')));

const START = 1_780_000_000_000_000;
const WINDOW_MS = 1000;

/** The windows of a capture whose packets follow each other by a millisecond, or at the times given. */
async function windowsOf(
  packets: readonly (PacketSpec & { atMs?: number })[],
  linkType: number = LINK_TYPES.ethernet,
  frameOf = (ip: Buffer, _index: number) => ethernetFrame(ip),
) {
  const frames = packets.map((packet, index) => ({
    timeMicros: START + (packet.atMs ?? index) * 1000,
    frame: frameOf(ipPacket(packet), index),
  }));
  const file = path.join(directory, 'lab.pcap');
  await writeFile(file, pcapFile(frames, linkType));
  const windows: ObservedWindow[] = [];
  for await (const window of captureSource({ file, windowMs: WINDOW_MS }).windows()) windows.push(window);
  // The last part of a probe's stream is empty as a rule.
  if (windows.at(-1)?.rows === 0) windows.pop();
  return windows;
}

/** A flow in few words: ends, packets and bytes out/in, state, connections started/completed. */
function told({ columns }: ObservedWindow, row: number): string {
  const wide = (column: BigUint64Array) => readWide(halvesOf(column), row);
  const end = (ip: Uint8Array, port: Uint16Array) => `${formatAddress(ip, row * 16)}:${port[row] ?? ''}`;
  return [
    `${end(columns.src_ip, columns.src_port)} > ${end(columns.dst_ip, columns.dst_port)}`,
    `${wide(columns.packets_out)}/${wide(columns.packets_in)} packets`,
    `${wide(columns.bytes_out)}/${wide(columns.bytes_in)} bytes`,
    enumerationValue('connection_state', columns.connection_state[row] ?? -1),
    `${columns.connections_started[row] ?? ''}/${columns.connections_completed[row] ?? ''}`,
  ].join(', ');
}

const flowsOf = (windows: readonly ObservedWindow[]) =>
  windows.map((window) => Array.from({ length: window.rows }, (_, row) => told(window, row)));

const cooked = (interfaceIndex: number, direction: 'in' | 'out') => (ip: Buffer) =>
  cookedFrame(ip, interfaceIndex, direction);

const client = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 1000, toPort: 80 };
const server = { from: '10.0.0.2', to: '10.0.0.1', fromPort: 80, toPort: 1000 };

describe('captured packets', () => {
  it('of a whole TCP connection are one flow, with both directions and its state', async () => {
    const windows = await windowsOf([
      { ...client, flags: 'S' },
      { ...server, flags: 'SA' },
      { ...client, flags: 'A' },
      { ...client, flags: 'PA', payloadBytes: 100 },
      { ...server, flags: 'FA', payloadBytes: 300 },
      { ...client, flags: 'FA' },
      { ...server, flags: 'A' },
    ]);
    expect(flowsOf(windows)).toEqual([
      ['10.0.0.1:1000 > 10.0.0.2:80, 4/3 packets, 260/420 bytes, closed, 1/1'],
    ]);
    expect(windows[0]?.columns.connect_us[0]).toBe(2000);
    expect(windows[0]?.columns.tcp_flags[0]).toBe(0x1b);
  });

  it('of a refused and of an unanswered connection say so', async () => {
    const lone = { ...client, fromPort: 2000, flags: 'S' };
    const windows = await windowsOf([{ ...client, flags: 'S' }, { ...server, flags: 'RA' }, lone, lone]);
    expect(flowsOf(windows)).toEqual([
      [
        '10.0.0.1:1000 > 10.0.0.2:80, 1/1 packets, 40/40 bytes, refused, 1/1',
        '10.0.0.1:2000 > 10.0.0.2:80, 2/0 packets, 80/0 bytes, unanswered, 1/0',
      ],
    ]);
  });

  it('of a TCP connection that began before the capture are oriented by the higher port', async () => {
    expect(
      flowsOf(
        await windowsOf([
          { ...server, flags: 'A' },
          { ...client, flags: 'A' },
        ]),
      ),
    ).toEqual([['10.0.0.1:1000 > 10.0.0.2:80, 1/1 packets, 40/40 bytes, established, 0/0']]);
  });

  it('keep the orientation that the SYN gave in every later window', async () => {
    const windows = await windowsOf([
      { ...client, flags: 'S' },
      { ...server, flags: 'SA' },
      { ...server, flags: 'A', atMs: 1500 },
      { ...server, flags: 'A', atMs: 7100 },
    ]);
    expect(flowsOf(windows)).toEqual([
      ['10.0.0.1:1000 > 10.0.0.2:80, 1/1 packets, 40/40 bytes, established, 1/0'],
      ['10.0.0.1:1000 > 10.0.0.2:80, 0/1 packets, 0/40 bytes, established, 0/0'],
      ['10.0.0.1:1000 > 10.0.0.2:80, 0/1 packets, 0/40 bytes, established, 0/0'],
    ]);
  });

  it('of ports used again after a close begin a new connection', async () => {
    const connection = (sequence: number) => [
      { ...client, flags: 'S', sequence },
      { ...server, flags: 'SA', sequence },
      { ...client, flags: 'R', sequence: sequence + 1 },
    ];
    expect(flowsOf(await windowsOf([...connection(100), ...connection(200)]))).toEqual([
      ['10.0.0.1:1000 > 10.0.0.2:80, 4/2 packets, 160/80 bytes, closed, 2/2'],
    ]);
  });

  it('of UDP and ICMP echo are flows without state, each direction on its side', async () => {
    const query = {
      from: '2001:db8::1',
      to: '2001:db8::2',
      protocol: 'udp',
      fromPort: 5353,
      toPort: 53,
    } as const;
    const answer = {
      from: '2001:db8::2',
      to: '2001:db8::1',
      protocol: 'udp',
      fromPort: 53,
      toPort: 5353,
    } as const;
    const windows = await windowsOf([
      query,
      { ...answer, payloadBytes: 20 },
      { from: '10.0.0.2', to: '10.0.0.1', protocol: 'icmp', icmp: [8, 0] },
      { from: '10.0.0.1', to: '10.0.0.2', protocol: 'icmp', icmp: [0, 0] },
    ]);
    expect(flowsOf(windows)).toEqual([
      [
        '2001:db8::1:5353 > 2001:db8::2:53, 1/1 packets, 48/68 bytes, stateless, 1/0',
        '10.0.0.2:0 > 10.0.0.1:0, 1/1 packets, 28/28 bytes, stateless, 1/0',
      ],
    ]);
  });

  it.each(['10.0.0.2', '2001:db8::2'])(
    'that are later fragments (to %s) are kept apart, without ports',
    async (to) => {
      const from = to.replace('2', '1').replace('1001', '2001');
      const whole = {
        from: to.includes(':') ? '2001:db8::1' : from,
        to,
        protocol: 'udp',
        fromPort: 7,
        toPort: 9,
      } as const;
      const windows = await windowsOf([whole, { ...whole, fragmentOffset: 1480, payloadBytes: 50 }]);
      expect(flowsOf(windows)[0]).toHaveLength(2);
      expect(flowsOf(windows)[0]?.[1]).toContain(`${to}:0, 1/0 packets`);
    },
  );

  it('with VLAN tags are read inside them', async () => {
    const windows = await windowsOf([{ ...client, flags: 'S' }], LINK_TYPES.ethernet, (ip) =>
      ethernetFrame(ip, 10, 20),
    );
    expect(flowsOf(windows)).toEqual([
      ['10.0.0.1:1000 > 10.0.0.2:80, 1/0 packets, 40/0 bytes, unanswered, 1/0'],
    ]);
  });

  it('of several interfaces count as often as at the one that saw them most', async () => {
    const syn = { ...client, flags: 'S', sequence: 100 };
    const places = [cooked(7, 'in'), cooked(8, 'out'), cooked(7, 'in'), cooked(8, 'out'), cooked(7, 'in')];
    const windows = await windowsOf([syn, syn, syn, syn, syn], LINK_TYPES.cooked2, (ip, index) =>
      (places[index] ?? cooked(7, 'in'))(ip),
    );
    expect(flowsOf(windows)).toEqual([
      ['10.0.0.1:1000 > 10.0.0.2:80, 3/0 packets, 120/0 bytes, unanswered, 1/0'],
    ]);
    expect(windows[0]?.counters.get('packets_copied')).toBe(2);
    expect(enumerationValue('reporter', windows[0]?.columns.reporter[0] ?? -1)).toBe('src');
  });

  it('that came from another node, or through its interface, are reported by neither end', async () => {
    const fromAfar = { ...client, flags: 'S', ttl: 63 };
    const later = { ...client, fromPort: 2000, flags: 'S' };
    const sent = { ...server, toPort: 3000, flags: 'S' };
    const directions = ['in', 'in', 'out'] as const;
    const windows = await windowsOf([fromAfar, later, sent], LINK_TYPES.cooked2, (ip, index) =>
      cookedFrame(ip, 2, directions[index] ?? 'in'),
    );
    expect(flowsOf(windows)[0]).toHaveLength(3);
    expect(
      [...(windows[0]?.columns.reporter ?? [])].map((value) => enumerationValue('reporter', value)),
    ).toEqual(['both', 'both', 'both']);
  });

  it.each([
    ['in', 'src'],
    ['out', 'dst'],
  ] as const)('that the host got %s are reported by the %s', async (direction, reporter) => {
    const windows = await windowsOf([{ ...client, flags: 'S' }], LINK_TYPES.cooked2, cooked(7, direction));
    expect(enumerationValue('reporter', windows[0]?.columns.reporter[0] ?? -1)).toBe(reporter);
  });

  it('that are no IP or are damaged are counted, not lost in silence', async () => {
    const windows = await windowsOf([client, client, client], LINK_TYPES.ethernet, (ip, index) =>
      index === 0
        ? Buffer.concat([Buffer.alloc(12), Buffer.from([8, 6]), ip])
        : index === 1
          ? ethernetFrame(ip).subarray(0, 40)
          : ethernetFrame(ip),
    );
    expect(flowsOf(windows)).toHaveLength(1);
    const counter = (name: string) => windows[0]?.counters.get(name);
    expect([counter('packets_reported'), counter('packets_not_ip'), counter('packets_malformed')]).toEqual([
      1, 1, 1,
    ]);
  });
});
