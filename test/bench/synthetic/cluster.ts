import { parseAddress } from '@sonde/model/net/address';
import { TCP, UDP } from '@sonde/model/net/protocol';
import { below, choose, type RandomNumbers, randomNumbers } from '../../builders/random.js';

/** The workloads of a large cluster and the conversations between them, without traffic. */
export interface SyntheticCluster {
  readonly namespaces: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  readonly workloads: readonly Workload[];
  /** Most frequent first. */
  readonly conversations: readonly Conversation[];
}

export interface Workload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly namespace: string;
  readonly name: string;
  readonly pods: readonly Pod[];
  readonly serviceAddress: string;
  /** The port of the service, and of the pods behind it. */
  readonly servicePort: number;
  readonly port: number;
  readonly protocol: number;
}

export interface Pod {
  readonly name: string;
  readonly address: string;
  /** Index into the cluster's nodes. */
  readonly node: number;
}

/** An external host. */
export interface Host {
  readonly address: string;
  readonly domain: string;
}

/** Connections between pods of two workloads, or between a workload and external hosts. */
export interface Conversation {
  readonly client: Workload | readonly Host[];
  readonly server: Workload | readonly Host[];
  readonly port: number;
  readonly protocol: number;
  /** Whether policies allow it; otherwise its connections are unanswered. */
  readonly admitted: boolean;
}

const PODS = 10_000;
const NODES = 250;
const NAMESPACES = 100;
const AGENTS = 3;
const CONVERSATIONS = 4_000;
const HOSTS = 20_000;
/** Maximum number of hosts that one workload connects to. */
const MAX_HOSTS = 400;

/**
 * 10,000 pods of some 800 workloads on 250 nodes, in 100 namespaces: three agents on every node, DNS on eight pods,
 * and the others with one to about a hundred replicas, most of them few. 4,000 pairs have traffic: every workload with
 * DNS, most with other workloads through services, a fifth with one of 20,000 external hosts. Policies deny one pair in
 * 25. The same in every run.
 */
export function syntheticCluster(): SyntheticCluster {
  const random = randomNumbers(1);
  const namespaces = Array.from({ length: NAMESPACES }, (_, number) => `${choose(AREAS, random)}-${number}`);
  const nodes = Array.from({ length: NODES }, (_, number) => ({
    name: `ip-10-0-${number}-17.eu-central-1.compute.internal`,
    address: `10.0.${number}.17`,
  }));
  const workloads = makeWorkloads(namespaces, random);
  return { namespaces, nodes, workloads, conversations: makeConversations(workloads, random) };
}

/** The workload that answers DNS. */
export function dnsOf({ workloads }: SyntheticCluster): Workload {
  const dns = workloads.find(({ name }) => name === DNS);
  if (!dns) throw new Error('the synthetic cluster has no DNS');
  return dns;
}

/** The bytes of an address, cached. */
export function addressBytes(address: string): Uint8Array {
  let bytes = addresses.get(address);
  if (!bytes) addresses.set(address, (bytes = parseAddress(address)));
  return bytes;
}
const addresses = new Map<string, Uint8Array>();

const DNS = 'coredns';
const AREAS = 'payments storefront search auth catalog fraud billing media chat ml mail batch'.split(' ');
const ROLES = 'api web worker cache db gateway sync consumer indexer scheduler'.split(' ');
const PORTS = [8080, 443, 5432, 6379, 9092, 3306, 8443, 9090];

function makeWorkloads(namespaces: readonly string[], random: RandomNumbers): Workload[] {
  const workloads: Workload[] = [];
  let pods = 0;
  const add = (
    made: Pick<Workload, 'kind' | 'namespace' | 'name' | 'port' | 'protocol'>,
    replicas: number,
    nodeOf: (replica: number) => number,
  ) => {
    const number = workloads.length;
    workloads.push({
      ...made,
      serviceAddress: `10.96.${number >> 8}.${number & 255}`,
      servicePort: made.port === 8080 ? 80 : made.port,
      pods: Array.from({ length: replicas }, (_, replica) => {
        const address = `10.${64 + (pods >> 16)}.${(pods >> 8) & 255}.${pods & 255}`;
        pods++;
        return { name: podName(made, replica, random), address, node: nodeOf(replica) };
      }),
    });
  };
  const anyNode = () => below(NODES, random);
  add({ kind: 'Deployment', namespace: 'kube-system', name: DNS, port: 53, protocol: UDP }, 8, anyNode);
  for (let agent = 0; agent < AGENTS; agent++) {
    const name = `agent-${agent}`;
    const made = {
      kind: 'DaemonSet',
      namespace: 'monitoring',
      name,
      port: 9100 + agent,
      protocol: TCP,
    } as const;
    add(made, NODES, (replica) => replica);
  }
  while (pods < PODS) {
    const made = {
      kind: random() < 0.85 ? 'Deployment' : 'StatefulSet',
      namespace: choose(namespaces, random),
      name: `${choose(ROLES, random)}-${workloads.length}`,
      port: choose(PORTS, random),
      protocol: TCP,
    } as const;
    // Pareto distribution: half have up to four replicas, one in a hundred more than a hundred.
    const replicas = Math.min(120, Math.ceil(2 / (1 - random())));
    add(made, Math.min(replicas, PODS - pods), anyNode);
  }
  return workloads;
}

function podName(
  { kind, name }: Pick<Workload, 'kind' | 'name'>,
  replica: number,
  random: RandomNumbers,
): string {
  const suffix = () => below(60_000_000, random).toString(36).slice(-5);
  if (kind === 'StatefulSet') return `${name}-${replica}`;
  return kind === 'DaemonSet' ? `${name}-${suffix()}` : `${name}-7c9d8b6f5d-${suffix()}`;
}

function makeConversations(workloads: readonly Workload[], random: RandomNumbers): Conversation[] {
  const [dns, ...others] = workloads;
  if (!dns) throw new Error('there are no workloads');
  const hosts = Array.from({ length: HOSTS }, (_, number) => ({
    address: `2001:db8:${(number >> 8).toString(16)}::${(number & 255).toString(16)}`,
    domain: `${choose(['api', 'cdn', 's3', 'auth'], random)}.host${number >> 2}.example.com`,
  }));
  const someHosts = () => {
    const first = below(HOSTS, random);
    return hosts.slice(first, first + 1 + below(MAX_HOSTS, random));
  };
  const toDns = others.map((client) => ({ client, server: dns, port: 53, protocol: UDP, admitted: true }));
  const rest = Array.from({ length: CONVERSATIONS - toDns.length }, (): Conversation => {
    const kind = random();
    const client = choose(others, random);
    const admitted = random() > 0.04;
    if (kind < 0.2) return { client, server: someHosts(), port: 443, protocol: TCP, admitted };
    const server = choose(others, random);
    const { port, protocol } = server;
    if (kind < 0.26) return { client: someHosts(), server, port, protocol, admitted };
    return { client, server, port, protocol, admitted };
  });
  return shuffled([...toDns, ...rest], random);
}

function shuffled<Item>(items: readonly Item[], random: RandomNumbers): Item[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
