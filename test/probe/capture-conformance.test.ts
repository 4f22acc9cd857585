import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureSource } from '@sonde/collector/pcap/source';
import { flowprobeSource } from '@sonde/collector/probe/flowprobe';
import type { FlowSource } from '@sonde/collector/source/flow-source';
import { observedDnsFields } from '@sonde/model/dns/records';
import { observedFlowFields } from '@sonde/model/flow/observed';
import { recordRow } from '@sonde/model/record/rows';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pcapngFile, readPcapFile } from '../builders/pcap.js';
import { whySkipLive } from '../e2e/live.js';
import { PacketRecorder } from '../e2e/packet-count.js';
import { eventually } from '../eventually.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { NodeNetwork } from './node-network.js';
import { flowprobeProgram } from './paths.js';

const CAPTURES = path.join(import.meta.dirname, '../captures/cases');

/** Longer than the test, so that each connection is one record on both ways. */
const WINDOW_MS = 120_000;

/** The kernel's coarse clock, which stamps the probe's packets, ticks every 10 ms or less (HZ of at least 100). */
const CLOCK_TOLERANCE_MS = 20;

/** What only the kernel knows: it drops the injected packets, whose receiver does not exist. */
const NOT_IN_FILES = ['dropped_packets', 'dropped_bytes', 'drop_reason'];

/** Times and their differences, which the kernel stamps with its coarse clock. */
const COARSE_TIMES = ['start_time', 'end_time', 'connection_age_us', 'connection_duration_us'];

/** Durations, measured where the program runs and where the packet is stamped. */
const DURATIONS = ['connect_us', 'rtt_us', 'rtt_min_us', 'latency_us'];

type Row = Readonly<Record<string, unknown>>;

interface Records {
  readonly flows: readonly Row[];
  readonly dns: readonly Row[];
}

describe.skipIf(whySkipLive() !== undefined)('the same packets, injected live and read from a file', () => {
  let network: NodeNetwork;
  let live: Records;
  let captured: Records;

  beforeAll(async () => {
    network = await NodeNetwork.make('conformance', 1);
    const pod = network.pod(1);
    const directory = temporaryDirectory('conformance');
    let isWatching = false;
    const probe = flowprobeSource({
      program: flowprobeProgram,
      interfaces: [pod.interfaceName],
      windowMs: WINDOW_MS,
      networkNamespace: network.netns,
      events: { onInterfaces: () => (isWatching = true) },
    });
    const reported = recordsOf(probe);
    await eventually(() => expect(isWatching).toBe(true));
    const whole = ['-s', '65535'];
    const file = path.join(directory, 'live.pcap');
    const recorder = await PacketRecorder.start(network.netns, pod.interfaceName, file, ...whole);
    await network.sendFrames(pod, ...(await framesOfCaptures()));
    await recorder.stop();
    probe.stop();
    live = await reported;
    // The probe knows that the packets came in; tcpdump does not record that of one interface.
    const frames = readPcapFile(await readFile(file)).map((frame) => ({
      ...frame,
      direction: 'in' as const,
    }));
    const withDirections = path.join(directory, 'live.pcapng');
    await writeFile(withDirections, pcapngFile(frames));
    captured = await recordsOf(captureSource({ file: withDirections, windowMs: WINDOW_MS }));
  });

  afterAll(async () => {
    await network.remove();
  });

  it('give the same flows in every field', () => {
    expect(live.flows.length).toBeGreaterThan(10);
    expect(live.flows.map(comparable)).toEqual(captured.flows.map(comparable));
  });

  it('give the same DNS lookups in every field', () => {
    expect(live.dns.length).toBeGreaterThanOrEqual(2);
    expect(live.dns.map(comparable)).toEqual(captured.dns.map(comparable));
  });

  it('give the same times', () => {
    for (const [index, { start_time, end_time }] of live.flows.entries()) {
      const other = captured.flows[index];
      expect(apart(start_time, other?.['start_time'])).toBeLessThanOrEqual(CLOCK_TOLERANCE_MS);
      expect(apart(end_time, other?.['end_time'])).toBeLessThanOrEqual(CLOCK_TOLERANCE_MS);
    }
  });
});

/** The frames of all Ethernet captures, those of each capture with a client of their own. */
async function framesOfCaptures(): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  for (const [index, name] of readdirSync(CAPTURES).filter(isPcap).sort().entries()) {
    const file = await readFile(path.join(CAPTURES, name));
    if (file.readUInt32LE(20) !== 1 || name.includes('-cut')) continue;
    const client = Buffer.from([192, 0, 2, 10]);
    const ownClient = Buffer.from([192, 0, 2, 100 + index]);
    for (const { frame } of readPcapFile(file)) {
      for (let at = frame.indexOf(client); at >= 0; at = frame.indexOf(client)) ownClient.copy(frame, at);
      frames.push(frame);
    }
  }
  return frames;
}

function isPcap(name: string): boolean {
  return name.endsWith('.pcap');
}

async function recordsOf(source: FlowSource): Promise<Records> {
  const flows: Row[] = [];
  const dns: Row[] = [];
  for await (const window of source.windows()) {
    for (let row = 0; row < window.rows; row++)
      flows.push(recordRow(observedFlowFields, window.columns, row));
    const { rows = 0, columns } = window.dns ?? {};
    for (let row = 0; columns && row < rows; row++) dns.push(recordRow(observedDnsFields, columns, row));
  }
  // The probe is stopped before a query without a response times out.
  return { flows: sorted(flows.filter(isInjected)), dns: sorted(dns.filter(({ answered }) => answered)) };
}

/**
 * Not the node's own neighbor discovery, which begins when it likes, and not the records of dropped packets only: the
 * kernel drops what has no receiver by the outer addresses of tunnels and without the ports of fragments.
 */
function isInjected({ src_ip, dst_ip, packets_out, packets_in }: Row): boolean {
  if (Number(packets_out) + Number(packets_in) === 0) return false;
  return [src_ip, dst_ip].some((address) => /^(192\.0\.2|198\.51\.100|203\.0\.113)\./.test(String(address)));
}

function sorted(rows: Row[]): Row[] {
  return rows.sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
}

function keyOf({ src_ip, src_port, dst_ip, dst_port, protocol, icmp_type, query_name }: Row): string {
  return [protocol, icmp_type, src_ip, src_port, dst_ip, dst_port, query_name].map(String).join(' ');
}

/** All but what differs by nature; of durations whether they were measured. */
function comparable(row: Row): Row {
  const entries = Object.entries(row).filter(
    ([field]) => !NOT_IN_FILES.includes(field) && !COARSE_TIMES.includes(field),
  );
  return Object.fromEntries(
    entries.map(([field, value]) => [field, DURATIONS.includes(field) ? Number(value) > 0 : value]),
  );
}

function apart(a: unknown, b: unknown): number {
  return Math.abs(Date.parse(String(a)) - Date.parse(String(b)));
}
