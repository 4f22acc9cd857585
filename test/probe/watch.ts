import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { DnsTransaction } from '@sonde/collector/probe/messages';
import { probeWindows } from '@sonde/collector/probe/windows';
import { formatAddress } from '@sonde/model/net/address';
import { enumerationValue } from '@sonde/model/flow/enumerations';
import type { StringColumn } from '@sonde/model/record/columns';
import type { ObservedFlows } from '@sonde/model/flow/observed';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { flowprobeProgram } from './paths.js';

/** The fields of a reported flow that tests read. */
export interface ReportedFlow {
  readonly client: string;
  readonly server: string;
  readonly service: string;
  readonly state: string;
  readonly reporter: string;
  readonly protocol: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly packetsIn: number;
  readonly started: number;
  readonly completed: number;
  readonly tcpFlags: number;
  readonly icmpType: number;
  readonly rttMicros: number;
  readonly connectMicros: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly retransmits: number;
  readonly droppedPackets: number;
  readonly droppedBytes: number;
  readonly dropReason: string;
  readonly tlsServer: string;
  readonly clientProcess: string;
  readonly serverProcess: string;
  readonly clientCgroup: number;
  readonly vlan: number;
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly clientTunnelEnd: string;
  readonly sampling: number;
  readonly orientation: string;
  readonly ageMicros: number;
  readonly durationMicros: number;
  readonly clientNat: string;
}

/** Everything that a probe reported, by window. */
export interface ProbeReport {
  readonly windows: readonly (readonly ReportedFlow[])[];
  readonly flows: readonly ReportedFlow[];
  readonly dns: readonly DnsTransaction[];
  /** Of the last window. */
  readonly counters: ReadonlyMap<string, number>;
}

/** A running probe. */
export interface Watch {
  /** Resolves when the probe reports that it watches exactly these interfaces. */
  watches(...names: string[]): Promise<void>;
  /** Resolves when a window with such a flow has been reported. */
  reports(wanted: (flow: ReportedFlow) => boolean): Promise<void>;
  /** Stops the process while `busy` runs: the kernel programs continue to count, but no window ends. */
  stalled(busy: () => Promise<unknown>): Promise<void>;
  /** Ends the probe and returns everything that it reported. */
  stop(): Promise<ProbeReport>;
}

/** Starts flowprobe in a network namespace; resolves when it is attached. */
export async function watch(netns: string, ...options: string[]): Promise<Watch> {
  const probe = spawn(flowprobeProgram, ['--netns', `/run/netns/${netns}`, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  probe.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(probe, 'close');
  const windows: ReportedFlow[][] = [];
  const dns: DnsTransaction[] = [];
  let counters: ReadonlyMap<string, number> = new Map();
  const progress = new EventEmitter();
  let watched: string | undefined;
  const reading = (async () => {
    for await (const window of probeWindows(probe.stdout, {
      onInterfaces: (all) => {
        watched = namesText(all.map(({ name }) => name));
        progress.emit('interfaces');
      },
      onDns: (transactions) => dns.push(...transactions),
    })) {
      windows.push(reportedFlows(window));
      progress.emit('window');
      counters = window.counters;
    }
  })();
  const failed = ended.then(() => {
    throw new Error(`flowprobe ended early: ${stderr}`);
  });
  failed.catch(() => undefined);
  await Promise.race([once(progress, 'interfaces'), failed]);
  return {
    async watches(...names) {
      while (watched !== namesText(names)) await Promise.race([once(progress, 'interfaces'), failed]);
    },
    async reports(wanted) {
      while (!windows.flat().some(wanted)) await Promise.race([once(progress, 'window'), failed]);
    },
    async stalled(busy) {
      probe.kill('SIGSTOP');
      try {
        await busy();
      } finally {
        probe.kill('SIGCONT');
      }
    },
    async stop() {
      probe.kill('SIGTERM');
      await reading;
      const [code] = (await ended) as [number | null];
      if (code !== 0) throw new Error(`flowprobe ended with ${String(code)}: ${stderr}`);
      return { windows, flows: windows.flat(), dns, counters };
    },
  };
}

function namesText(names: readonly string[]): string {
  return [...names].sort().join(' ');
}

function reportedFlows({ rows, columns }: ObservedFlows): ReportedFlow[] {
  const text = ({ indexes, dictionary }: StringColumn, row: number) => dictionary[indexes[row] ?? 0] ?? '';
  const wide = (column: BigUint64Array, row: number) => readWide(halvesOf(column), row);
  return Array.from({ length: rows }, (_, row) => ({
    client: endpointText(columns.src_ip, columns.src_port, row),
    server: endpointText(columns.dst_ip, columns.dst_port, row),
    service: endpointText(columns.dst_service_ip, columns.dst_service_port, row),
    state: enumerationValue('connection_state', columns.connection_state[row] ?? 0) ?? '',
    reporter: enumerationValue('reporter', columns.reporter[row] ?? 0) ?? '',
    protocol: columns.protocol[row] ?? 0,
    bytesOut: wide(columns.bytes_out, row),
    bytesIn: wide(columns.bytes_in, row),
    packetsOut: wide(columns.packets_out, row),
    packetsIn: wide(columns.packets_in, row),
    started: columns.connections_started[row] ?? 0,
    completed: columns.connections_completed[row] ?? 0,
    tcpFlags: columns.tcp_flags[row] ?? 0,
    icmpType: columns.icmp_type[row] ?? 0,
    rttMicros: columns.rtt_us[row] ?? 0,
    connectMicros: columns.connect_us[row] ?? 0,
    startMs: wide(columns.start_time, row),
    endMs: wide(columns.end_time, row),
    retransmits: columns.retransmits[row] ?? 0,
    droppedPackets: wide(columns.dropped_packets, row),
    droppedBytes: wide(columns.dropped_bytes, row),
    dropReason: text(columns.drop_reason, row),
    tlsServer: text(columns.tls_server_name, row),
    clientProcess: text(columns.src_process, row),
    serverProcess: text(columns.dst_process, row),
    clientCgroup: wide(columns.src_cgroup, row),
    vlan: columns.vlan[row] ?? 0,
    tunnel: enumerationValue('tunnel', columns.tunnel[row] ?? 0) ?? '',
    tunnelId: columns.tunnel_id[row] ?? 0,
    clientTunnelEnd: formatAddress(columns.src_tunnel_ip, row * 16),
    sampling: columns.sampling[row] ?? 0,
    orientation: enumerationValue('orientation', columns.orientation[row] ?? 0) ?? '',
    ageMicros: wide(columns.connection_age_us, row),
    durationMicros: wide(columns.connection_duration_us, row),
    clientNat: endpointText(columns.src_nat_ip, columns.src_nat_port, row),
  }));
}

/** "10.0.0.1 80"; without the port if it is 0. */
function endpointText(addresses: Uint8Array, ports: Uint16Array, row: number): string {
  const port = ports[row] ?? 0;
  return formatAddress(addresses, row * 16) + (port === 0 ? '' : ` ${port}`);
}
