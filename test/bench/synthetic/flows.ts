import type { FlowRow } from '../../builders/enriched-flows.js';
import { below, choose, type RandomNumbers, randomNumbers, zipf } from '../../builders/random.js';

/**
 * Stored flows of a medium-sized cluster: 20 namespaces, 150 workloads, about 1,100 pods on 30 nodes, and 1,500 pairs
 * of workloads with traffic. Distribution: pairs of workloads by Zipf's law (the most frequent has 5 % of all), pods of
 * each uniformly; one pair in eight has one of 250 external hosts; one in eight is denied, one in eight is unknown; sizes
 * and round-trip times are log-uniform by pair and uniform within it. Every pair has its own trace, so traces repeat as
 * often as pairs do. Equal seeds give equal flows.
 */
export function syntheticFlows(seed = 1): SyntheticFlows {
  const random = randomNumbers(seed);
  const pairs = makePairs(random);
  const chooseRank = zipf(pairs.length, 3, random);
  let offset = 0;
  return {
    block(rows, startMs, spanMs) {
      const flows = Array.from({ length: rows }, (_, row) => {
        const windowMs = startMs + Math.floor(((row / rows) * spanMs) / WINDOW_MS) * WINDOW_MS;
        const pair = pairs[chooseRank()];
        if (pair === undefined) throw new Error('no pair has this rank');
        return { ...flowOf(pair, windowMs, random), transport_offset: offset + Math.floor(row / BATCH_ROWS) };
      });
      offset += Math.ceil(rows / BATCH_ROWS);
      return flows;
    },
  };
}

export interface SyntheticFlows {
  /** The next flows, which start within `spanMs` from `startMs` on. */
  block(rows: number, startMs: number, spanMs: number): FlowRow[];
}

/** The window of a collector in ms, and the number of flows in its batches. */
const WINDOW_MS = 5_000;
const BATCH_ROWS = 200;

interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly labels: string;
  readonly serviceIp: string;
  readonly pods: readonly Pod[];
}

interface Pod {
  readonly name: string;
  readonly ip: string;
  readonly node: number;
}

/** A client workload and its server. */
interface Pair {
  readonly client: Workload;
  readonly server: Workload | { readonly ip: string; readonly domain: string };
  readonly port: number;
  readonly protocol: number;
  readonly action: 'allow' | 'deny' | 'unknown';
  readonly policies: string;
  readonly bytes: number;
  readonly rttMicros: number;
}

function makePairs(random: RandomNumbers): Pair[] {
  const workloads = Array.from({ length: 150 }, (_, number) => makeWorkload(number, random));
  const externals = Array.from({ length: 250 }, (_, number) => ({
    ip: `203.0.113.${number}`,
    domain: `${choose(['api', 'cdn', 's3', 'auth'], random)}.host${number}.example.com`,
  }));
  return Array.from({ length: 1_500 }, () => {
    const client = choose(workloads, random);
    const kind = random();
    const server = kind < 0.12 ? choose(externals, random) : choose(workloads, random);
    const protocol = kind > 0.98 ? ICMP : kind > 0.9 ? UDP : TCP;
    const ports =
      protocol === ICMP ? [0] : protocol === UDP ? [53] : [8080, 443, 5432, 6379, 9092, 3306, 8443];
    const action = choose(
      ['allow', 'allow', 'allow', 'allow', 'allow', 'allow', 'deny', 'unknown'] as const,
      random,
    );
    const target = 'pods' in server ? `${server.namespace}/platform.${server.name}` : 'internet';
    return {
      client,
      server,
      protocol,
      port: choose(ports, random),
      action,
      policies: `security|${client.namespace}/security.${client.name}|allow|0,platform|${target}|${action}|1`,
      bytes: Math.exp(6 + random() * 6),
      rttMicros: 200 + random() * 3_000,
    };
  });
}

function makeWorkload(number: number, random: RandomNumbers): Workload {
  const namespace = choose(NAMESPACES, random);
  const name = `${choose(['api', 'web', 'worker', 'cache', 'db', 'gateway', 'sync'], random)}-${number}`;
  const pods = Array.from({ length: 1 + below(14, random) }, (_, replica) => ({
    name: `${name}-${below(2 ** 31, random).toString(36)}-${below(60_000_000, random).toString(36)}`,
    ip: `10.244.${number}.${replica + 1}`,
    node: below(30, random),
  }));
  return {
    namespace,
    name,
    kind: choose(['Deployment', 'Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'], random),
    labels:
      `app.kubernetes.io/instance=${name},app.kubernetes.io/name=${name},app.kubernetes.io/part-of=${namespace},` +
      `env=production,team=team-${below(9, random)},version=v1.${below(20, random)}.${below(5, random)}`,
    serviceIp: `10.96.0.${number}`,
    pods,
  };
}

function flowOf(pair: Pair, windowMs: number, random: RandomNumbers): FlowRow {
  const { client, server, port, protocol, action, policies } = pair;
  const source = choose(client.pods, random);
  const start = windowMs + below(WINDOW_MS, random);
  const denied = action === 'deny';
  const bytes = denied ? 180 : protocol === UDP ? 70 + below(20, random) : pair.bytes * (0.5 + random());
  const packets = Math.ceil(bytes / 900);
  return {
    start_time: start,
    end_time: Math.min(windowMs + WINDOW_MS, start + below(2_000, random)),
    cluster: 'production',
    node: nodeName(source.node),
    reporter: 'src',
    primary: true,
    sampling: 1,
    src_ip: source.ip,
    src_port: protocol === ICMP ? 0 : 32_768 + below(28_000, random),
    dst_port: port,
    protocol,
    icmp_type: protocol === ICMP ? 8 : 0,
    bytes_out: Math.floor(bytes),
    packets_out: packets,
    bytes_in: denied ? 0 : Math.floor(bytes * (0.5 + random() * 3)),
    packets_in: denied ? 0 : packets + below(5, random),
    connections_started: 1,
    connections_completed: !denied && random() < 0.7 ? 1 : 0,
    ...(protocol === TCP ? tcpHealth(pair, denied, random) : { connection_state: 'stateless' as const }),
    ...endOf('src', client, source),
    src_process: choose(['java', 'node', 'python3', 'nginx', 'envoy'], random),
    ...('pods' in server
      ? {
          ...serverEnd(server, choose(server.pods, random)),
          dst_service: server.name,
          dst_service_namespace: server.namespace,
          dst_service_ip: server.serviceIp,
          dst_service_port: port,
        }
      : {
          dst_ip: server.ip,
          dst_kind: 'external' as const,
          dst_domain: server.domain,
          dst_network_sets: 'public',
        }),
    action,
    policies,
    pending_policies: policies,
    evidence: denied ? 'dropped' : 'delivered',
  };
}

function tcpHealth({ rttMicros }: Pair, denied: boolean, random: RandomNumbers): FlowRow {
  if (denied) {
    return {
      tcp_flags: 0x02,
      connection_state: 'unanswered',
      dropped_packets: 3,
      dropped_bytes: 180,
      drop_reason: 'NETFILTER_DROP',
    };
  }
  const rtt = rttMicros * (0.7 + random());
  return {
    tcp_flags: 0x1b,
    connection_state: random() < 0.7 ? 'closed' : 'established',
    rtt_us: Math.floor(rtt),
    rtt_min_us: Math.floor(rtt * 0.6),
    connect_us: Math.floor(rtt * 1.2),
    retransmits: random() < 0.03 ? 1 + below(5, random) : 0,
  };
}

function serverEnd(server: Workload, pod: Pod): FlowRow {
  return { dst_ip: pod.ip, ...endOf('dst', server, pod) };
}

function endOf(prefix: 'src' | 'dst', workload: Workload, pod: Pod): FlowRow {
  const end = {
    kind: 'pod',
    namespace: workload.namespace,
    name: pod.name,
    workload: workload.name,
    workload_kind: workload.kind,
    service_account: workload.name,
    labels: workload.labels,
    node: nodeName(pod.node),
    zone: `eu-central-1${'abc'.charAt(pod.node % 3)}`,
  };
  return Object.fromEntries(Object.entries(end).map(([name, value]) => [`${prefix}_${name}`, value]));
}

function nodeName(number: number): string {
  return `ip-10-0-${number}-17.eu-central-1.compute.internal`;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;

const NAMESPACES = (
  'payments storefront logging monitoring search ingress auth catalog kafka batch ' +
  'ml reports mail chat media billing fraud etl dev qa'
).split(' ');
