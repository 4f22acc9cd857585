import { observedDns } from '../../builders/dns.js';
import type { ObservedDns } from '@sonde/model/dns/records';
import { FLOW_SCHEMA_VERSION, type FlowBatch } from '@sonde/model/batch/batch';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { allocateObservedColumns } from '@sonde/model/flow/observed';
import { StringColumnBuilder } from '@sonde/model/record/string-column';
import { halvesOf, writeWide } from '@sonde/model/record/wide';
import { TCP, UDP } from '@sonde/model/net/protocol';
import { below, choose, type RandomNumbers, randomNumbers, zipf } from '../../builders/random.js';
import { addressBytes, dnsOf, type Host, type SyntheticCluster, type Workload } from './cluster.js';

export const WINDOW_MS = 5_000;

/** Both endpoints of a connection, and its outcome. */
interface Connection {
  readonly client: End;
  readonly server: End;
  /** The service that the client addressed. */
  readonly service: Workload | undefined;
  readonly port: number;
  readonly protocol: number;
  readonly admitted: boolean;
  readonly sourcePort: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly rttMicros: number;
}

/** A connection as one node reports it. */
interface Report {
  readonly connection: Connection;
  readonly reporter: 'src' | 'dst' | 'both';
}

/** An endpoint: its address, and the node that observes it. */
interface End {
  readonly address: string;
  /** Undefined for external hosts. */
  readonly node: number | undefined;
  readonly process: string;
  readonly domain: string;
}

/**
 * The batches of all nodes of a synthetic cluster for a window with `connections` open connections. The nodes of both
 * ends report a connection, so there are nearly twice as many flows.
 *
 * Distribution of connections: pairs of workloads by Zipf's law (the most frequent has 0.7 % of all, the rarest 0.005 %),
 * pods of each uniformly, so that a pair of pods with port and protocol occurs about three times in a window of 250,000
 * connections; nine in ten of those between workloads use the service; one connection in five has an external end. Source ports are random, sizes log-normal, round trips exponential. Includes the DNS lookups that
 * resolved the external hosts.
 */
export function windowBatches(
  cluster: SyntheticCluster,
  {
    window,
    connections,
    startMs,
  }: { readonly window: number; readonly connections: number; readonly startMs: number },
): FlowBatch[] {
  const random = randomNumbers(window + 1);
  const chooseRank = zipf(cluster.conversations.length, 30, random);
  const ofNode = cluster.nodes.map((): Report[] => []);
  const windowMs = startMs + window * WINDOW_MS;
  for (let number = 0; number < connections; number++) {
    const connection = makeConnection(cluster, chooseRank(), windowMs, random);
    const source = connection.client.node;
    const destination = connection.server.node;
    const isOneNode = source === destination;
    if (source !== undefined) ofNode[source]?.push({ connection, reporter: isOneNode ? 'both' : 'src' });
    if (destination !== undefined && !isOneNode) ofNode[destination]?.push({ connection, reporter: 'dst' });
  }
  const dns = dnsOf(cluster);
  return ofNode.map((reports, node) => ({
    schemaVersion: FLOW_SCHEMA_VERSION,
    cluster: 'production',
    node: cluster.nodes[node]?.name ?? '',
    sequence: window,
    losses: {},
    rows: reports.length,
    columns: columnsOf(reports, random),
    dns: lookUps(reports, dns, random),
  }));
}

function makeConnection(
  cluster: SyntheticCluster,
  rank: number,
  windowMs: number,
  random: RandomNumbers,
): Connection {
  const conversation = cluster.conversations[rank];
  if (!conversation) throw new Error(`no conversation has rank ${rank}`);
  const { client, server, port, protocol, admitted } = conversation;
  const service = 'pods' in server && 'pods' in client && random() < 0.9 ? server : undefined;
  const normal = random() + random() + random() - 1.5;
  const bytesOut = admitted ? Math.floor(Math.exp(7 + normal * 3)) : 180;
  return {
    client: anEnd(client, random),
    server: anEnd(server, random),
    service,
    port,
    protocol,
    admitted,
    sourcePort: 32_768 + below(28_000, random),
    startMs: windowMs + below(WINDOW_MS, random),
    durationMs: below(2_000, random),
    bytesOut,
    bytesIn: admitted ? Math.floor(bytesOut * (0.5 + random() * 3)) : 0,
    rttMicros: Math.floor(150 - 800 * Math.log(1 - random())),
  };
}

const PROCESSES = ['java', 'node', 'python3', 'nginx', 'envoy', 'postgres', 'redis-server', 'coredns'];

function anEnd(who: Workload | readonly Host[], random: RandomNumbers): End {
  if (!('pods' in who)) {
    const { address, domain } = choose(who, random);
    return { address, domain, node: undefined, process: '' };
  }
  const { address, node } = choose(who.pods, random);
  const process = PROCESSES[who.name.length % PROCESSES.length] ?? '';
  return { address, node, process, domain: '' };
}

/** The flows of one node. */
function columnsOf(reports: readonly Report[], random: RandomNumbers): FlowBatch['columns'] {
  const rows = reports.length;
  const columns = allocateObservedColumns(rows);
  const wide = mapped(WIDE, (name) => halvesOf(columns[name]));
  const texts = mapped(TEXTS, () => new StringColumnBuilder(rows));
  for (const [row, { connection, reporter }] of reports.entries()) {
    const { client, server, service, admitted, bytesOut, bytesIn, rttMicros } = connection;
    const isTcp = connection.protocol === TCP;
    const packets = Math.ceil(bytesOut / 900);
    writeWide(wide.start_time, row, connection.startMs);
    writeWide(wide.end_time, row, connection.startMs + connection.durationMs);
    columns.reporter[row] = enumerationNumber('reporter', reporter);
    columns.sampling[row] = 1;
    columns.src_ip.set(addressBytes(client.address), row * 16);
    columns.dst_ip.set(addressBytes(server.address), row * 16);
    columns.src_port[row] = connection.sourcePort;
    columns.dst_port[row] = connection.port;
    columns.protocol[row] = connection.protocol;
    writeWide(wide.bytes_out, row, bytesOut);
    writeWide(wide.packets_out, row, packets);
    writeWide(wide.bytes_in, row, bytesIn);
    writeWide(wide.packets_in, row, admitted ? packets + below(5, random) : 0);
    columns.connections_started[row] = 1;
    columns.connections_completed[row] = admitted && random() < 0.7 ? 1 : 0;
    const state = !admitted ? 'unanswered' : isTcp ? 'closed' : 'stateless';
    columns.connection_state[row] = enumerationNumber('connection_state', state);
    if (isTcp) {
      columns.tcp_flags[row] = admitted ? 0x1b : 0x02;
      columns.rtt_us[row] = admitted ? rttMicros : 0;
      columns.rtt_min_us[row] = admitted ? Math.floor(rttMicros * 0.6) : 0;
      columns.connect_us[row] = admitted ? Math.floor(rttMicros * 1.2) : 0;
      columns.retransmits[row] = admitted && random() < 0.03 ? 1 + below(5, random) : 0;
      write(texts.tls_server_name, row, server.domain);
    }
    if (!admitted) {
      writeWide(wide.dropped_packets, row, 3);
      writeWide(wide.dropped_bytes, row, 180);
      write(texts.drop_reason, row, 'NETFILTER_DROP');
    }
    if (reporter !== 'dst') write(texts.src_process, row, client.process);
    if (reporter !== 'src') write(texts.dst_process, row, server.process);
    if (service) {
      columns.dst_service_ip.set(addressBytes(service.serviceAddress), row * 16);
      columns.dst_service_port[row] = service.servicePort;
    }
  }
  return { ...columns, ...mapped(TEXTS, (name) => texts[name].build()) };
}

const WIDE = [
  ...(['start_time', 'end_time', 'bytes_out', 'packets_out', 'bytes_in', 'packets_in'] as const),
  ...(['dropped_packets', 'dropped_bytes'] as const),
] as const;
const TEXTS = ['tls_server_name', 'drop_reason', 'src_process', 'dst_process'] as const;

function mapped<Name extends string, Value>(names: readonly Name[], valueOf: (name: Name) => Value) {
  return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<Name, Value>;
}

function write(column: StringColumnBuilder, row: number, text: string): void {
  column.indexes[row] = column.intern(text);
}

/** The DNS lookups of a third of the connections to external hosts. */
function lookUps(reports: readonly Report[], dns: Workload, random: RandomNumbers): ObservedDns {
  const [resolver] = dns.pods;
  return observedDns(
    reports
      .filter(
        ({ reporter, connection }) =>
          reporter === 'src' && connection.server.domain !== '' && random() < 0.33,
      )
      .map(({ connection: { client, server, startMs } }) => ({
        start_time: startMs - 20,
        src_ip: client.address,
        src_port: 32_768 + below(28_000, random),
        dst_ip: resolver?.address ?? '',
        protocol: UDP,
        query_name: server.domain,
        query_type: 'AAAA',
        answered: true,
        latency_us: 300 + below(2000, random),
        answers: server.address,
        answer_ttl_s: 30,
      })),
  );
}
