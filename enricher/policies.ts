import { formatAddress } from '@sonde/model/cluster/address';
import { AddressTable } from '@sonde/model/cluster/address-table';
import type { Cluster } from '@sonde/model/cluster/cluster';
import type { EndpointIdentity } from '@sonde/model/cluster/identity';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import type { ObservedColumns, TextColumn } from '@sonde/model/flow/columns';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { FROM_OWN_NODE, SELF, STRANGERS, type Relation } from '@sonde/model/policy/evaluate/connection';
import type { PolicyPod } from '@sonde/model/policy/cluster';
import type { PolicyEvaluator } from '@sonde/model/policy/evaluator';
import type { Pod } from '@sonde/model/cluster/objects';
import type { ServiceBackends } from '@sonde/model/policy/manifests/cluster';
import { readPod } from '@sonde/model/policy/manifests/kubernetes';
import { type FieldProblem, Fields } from '@sonde/model/policy/resources/fields';
import type { FlowEnds } from './ends.js';

/** The policies of a cluster, which may change from block to block. */
export interface PolicyContext {
  readonly evaluator: PolicyEvaluator;
  /** Services by the text of their virtual addresses. */
  readonly servicesByAddress: ReadonlyMap<string, ServiceBackends>;
}

/** What policies say of each flow of a block. */
export interface PolicyColumns {
  readonly action: Uint8Array;
  readonly policies: TextColumn;
  readonly pending_policies: TextColumn;
}

/** The result of connections of which policies cannot say anything. */
const UNDECIDED = -1;

/** Addresses whose policy identity is remembered before the memory starts afresh. */
const REMEMBERED = 500_000;

const TCP = 6;
const SYN = 2;
const ICMPV6 = 58;
const ICMP_PROTOCOLS = new Set([1, ICMPV6]);

/**
 * Evaluates the policies of a cluster for flows. A flow of a pair of ends, protocol and port seen before costs two
 * look-ups of its ends and one of the result.
 */
export class FlowPolicies {
  readonly #policies: PolicyContext;
  #addresses = new AddressTable();
  /** By address number: who held the address when it was identified, and what policies call it since. */
  #holders: number[] = [];
  #identities: number[] = [];
  #generation: number;
  /** The generation of the identity index whose owners are remembered. */
  #holderGeneration = 0;
  /** What policies look at in pods. */
  readonly #pods = new WeakMap<Pod, PolicyPod>();
  /** Results of one block for services whose backend the flow does not tell. */
  readonly #unresolved = new Map<string, number>();

  constructor(policies: PolicyContext) {
    this.#policies = policies;
    this.#generation = policies.evaluator.generation;
  }

  /** Evaluates each flow as its first packet was judged: client to server, behind any service. */
  evaluate(cluster: Cluster, observed: ObservedColumns, src: FlowEnds, dst: FlowEnds): PolicyColumns {
    this.#refresh(cluster);
    const rows = observed.src_port.length;
    const results = new Int32Array(rows);
    for (let row = 0; row < rows; row++) results[row] = this.#evaluateRow(cluster, observed, src, dst, row);
    return this.#columns(results);
  }

  #evaluateRow(
    cluster: Cluster,
    observed: ObservedColumns,
    src: FlowEnds,
    dst: FlowEnds,
    row: number,
  ): number {
    if (isLinkUpkeep(observed, row)) return UNDECIDED;
    const client = src.identities[row] ?? UNKNOWN_IDENTITY;
    const server = dst.identities[row] ?? UNKNOWN_IDENTITY;
    const protocol = observed.protocol[row] ?? 0;
    const port = portOf(observed, row);
    const source = this.#identify(cluster, observed.src_ip, row, client);
    if (cluster.identities.identity(server)?.kind === 'service') {
      return this.#evaluateService(cluster, observed, source, row, port);
    }
    const destination = this.#identify(cluster, observed.dst_ip, row, server);
    const { evaluator } = this.#policies;
    const sourcePort = observed.src_port[row] ?? 0;
    const relation = relationOf(cluster, client, server);
    const result = evaluator.evaluate(source, destination, protocol, port, sourcePort, relation);
    if (isAnswered(observed, row) && evaluator.verdict(result) === 'deny') {
      // The beginning was not seen and traffic flows both ways: what looks like a request may be the answers to one.
      const reverse = evaluator.evaluate(destination, source, protocol, sourcePort, port, relation);
      if (evaluator.verdict(reverse) === 'allow') return reverse;
    }
    const governed = isPod(cluster, client) || isPod(cluster, server);
    return governed || evaluator.result(result).policies !== '' ? result : UNDECIDED;
  }

  /** A connection to a service that got no further than its address: what all backends have in common. */
  #evaluateService(
    cluster: Cluster,
    observed: ObservedColumns,
    source: number,
    row: number,
    port: number,
  ): number {
    const protocol = observed.protocol[row] ?? 0;
    const address = formatAddress(observed.dst_ip, row * 16);
    const key = `${source}|${address}|${protocol}|${port}`;
    const known = this.#unresolved.get(key);
    if (known !== undefined) return known;
    const { evaluator, servicesByAddress } = this.#policies;
    const backends = servicesByAddress.get(address);
    const portName = backends?.service.ports.find(
      (one) => one.protocol === protocol && one.port === port,
    )?.name;
    const results = (backends?.endpoints ?? [])
      .filter((endpoint) => endpoint.protocol === protocol && endpoint.portName === portName)
      .map((endpoint) => {
        const holder = cluster.identities.lookup(endpoint.address, 0, Number(observed.start_time[row]));
        const destination = this.#identify(cluster, endpoint.address, 0, holder);
        return evaluator.evaluate(source, destination, protocol, endpoint.port, observed.src_port[row] ?? 0);
      });
    const [first = UNDECIDED] = results;
    const verdicts = new Set(results.map((result) => evaluator.verdict(result)));
    const result = verdicts.size === 1 ? first : UNDECIDED;
    this.#unresolved.set(key, result);
    return result;
  }

  /** What policies call the address of a row, which an owner of the identity index holds. */
  #identify(cluster: Cluster, addresses: Uint8Array, row: number, holder: number): number {
    const number = this.#addresses.intern(addresses, row * 16);
    const known = this.#identities[number];
    if (known !== undefined && this.#holders[number] === holder) return known;
    // A pod on its node's network is for policies the node.
    const pod = isPod(cluster, holder) ? this.#podOf(cluster.identities.pod(holder)) : undefined;
    const policyIdentity = this.#policies.evaluator.identify(addresses, row * 16, pod);
    this.#holders[number] = holder;
    this.#identities[number] = policyIdentity;
    return policyIdentity;
  }

  /** What policies look at in a pod, by the object as it was at the flow's time. */
  #podOf(pod: Pod | undefined): PolicyPod | undefined {
    if (!pod) return undefined;
    const known = this.#pods.get(pod);
    if (known) return known;
    const problems: FieldProblem[] = [];
    const read = readPod(new Fields(pod, '', problems));
    // Of a pod that cannot be read policies know no more than its address.
    if (problems.length > 0) return undefined;
    this.#pods.set(pod, read);
    return read;
  }

  /** Forgets what was remembered of ends when policies have changed what they look at, or it became too much. */
  #refresh({ identities }: Cluster): void {
    const { evaluator } = this.#policies;
    this.#unresolved.clear();
    const trimmed = evaluator.trim();
    const current =
      evaluator.generation === this.#generation && identities.generation === this.#holderGeneration;
    if (!trimmed && current && this.#addresses.size < REMEMBERED) return;
    this.#generation = evaluator.generation;
    this.#holderGeneration = identities.generation;
    this.#addresses = new AddressTable();
    this.#holders = [];
    this.#identities = [];
  }

  #columns(results: Int32Array): PolicyColumns {
    const actionOf: number[] = [];
    const enforced: string[] = [];
    const pending: string[] = [];
    const entries = new Map<number, number>();
    const indexes = new Uint32Array(results.length);
    for (const [row, result] of results.entries()) {
      let entry = entries.get(result);
      if (entry === undefined) {
        entry = entries.size;
        entries.set(result, entry);
        const said = result === UNDECIDED ? undefined : this.#policies.evaluator.result(result);
        actionOf.push(enumerationNumber('action', said?.verdict ?? 'unknown'));
        enforced.push(said?.policies ?? '');
        pending.push(said?.pending.policies ?? '');
      }
      indexes[row] = entry;
    }
    return {
      action: Uint8Array.from(indexes, (entry) => actionOf[entry] ?? 0),
      policies: { indexes, dictionary: enforced },
      pending_policies: { indexes, dictionary: pending },
    };
  }
}

/** The port as the evaluator wants it: for ICMP type and code in one. */
function portOf({ protocol, dst_port, icmp_type, icmp_code }: ObservedColumns, row: number): number {
  if (!ICMP_PROTOCOLS.has(protocol[row] ?? 0)) return dst_port[row] ?? 0;
  return (icmp_type[row] ?? 0) * 256 + (icmp_code[row] ?? 0);
}

/**
 * Neighbour and router discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 3810) keep a link going
 * and pass below policies: enforcement must let them through for the link to work at all.
 */
function isLinkUpkeep({ protocol, icmp_type }: ObservedColumns, row: number): boolean {
  const type = icmp_type[row] ?? 0;
  return protocol[row] === ICMPV6 && ((type >= 130 && type <= 137) || type === 143);
}

/** Whether packets went both ways and the beginning of the connection was not seen. */
function isAnswered({ protocol, tcp_flags, packets_out, packets_in }: ObservedColumns, row: number): boolean {
  if (protocol[row] === TCP && ((tcp_flags[row] ?? 0) & SYN) !== 0) return false;
  return packets_out[row] !== 0n && packets_in[row] !== 0n;
}

function relationOf({ identities }: Cluster, client: number, server: number): Relation {
  if (client === UNKNOWN_IDENTITY || server === UNKNOWN_IDENTITY) return STRANGERS;
  if (client === server) return SELF;
  const source: EndpointIdentity | undefined = identities.identity(client);
  const target = identities.identity(server);
  const isOwnNode = isOnNode(source) && target?.node === source?.node;
  // A node and the pods on its network are one host.
  if (isOwnNode && isOnNode(target)) return SELF;
  return isOwnNode ? FROM_OWN_NODE : STRANGERS;
}

function isOnNode(identity: EndpointIdentity | undefined): boolean {
  return identity?.kind === 'node' || identity?.kind === 'host_network_pod';
}

function isPod({ identities }: Cluster, identity: number): boolean {
  return identities.identity(identity)?.kind === 'pod';
}
