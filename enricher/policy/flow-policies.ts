import { AddressTable } from '@sonde/model/net/address-table';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import type { StringColumn } from '@sonde/model/record/columns';
import type { ObservedColumns } from '@sonde/model/flow/records';
import { anyOf } from '@sonde/model/filter/filter';
import { filterPredicate } from '@sonde/model/filter/predicate';
import { enumerationNumber, enumerationValues } from '@sonde/model/flow/enumerations';
import {
  GUESSED_DIRECTION,
  type EndpointKind,
  ICMP_ERROR,
  isGoverned,
  LINK_UPKEEP,
} from '@sonde/model/policy/flow-conditions';
import { HOST_NETWORK_POD, NODE, SERVICE } from '../identity/endpoint-cache.js';
import { FROM_OWN_NODE, SELF, UNRELATED, type Relation } from '@sonde/model/policy/evaluate/connection';
import type { PolicyPod } from '@sonde/model/policy/endpoint/pods-and-nodes';
import type { Pod } from '@sonde/model/cluster/objects';
import { readPod } from '@sonde/model/policy/manifests/kubernetes';
import { evaluateReversed } from '@sonde/model/policy/reversed-connection';
import { UNKNOWN_RULE } from '@sonde/model/policy/trace/entry';
import { type FieldProblem, Fields } from '@sonde/model/policy/resources/fields';
import { isSecondaryAddress } from '@sonde/model/cluster/pod-addresses';
import type { DecidingPolicies } from './contradiction-reasons.js';
import type { FlowEndpoints } from '../identity/block-endpoints.js';
import type { PolicyContext, UnevaluatedKind } from './live-policies.js';
import { hostPortTranslator } from './host-ports.js';
import { NO_SINGLE_ENDPOINT, UnreachedServices } from './unreached-services.js';

/** The policy columns of a block. */
export interface PolicyColumns {
  readonly action: Uint8Array;
  readonly policies: StringColumn;
  readonly pending_policies: StringColumn;
}

/** The policy fields of a block of flows, and when the deciding policies last changed. */
export interface FlowVerdicts {
  readonly columns: PolicyColumns;
  readonly deciding: DecidingPolicies;
}

/** Maximum number of addresses with a cached policy identity; above it, the cache is cleared. */
const MAX_CACHED_ADDRESSES = 500_000;
/** Maximum number of results with cached strings, some 20 MiB; above it, the cache is cleared. */
const MAX_CACHED_VERDICTS = 50_000;

const KINDS = enumerationValues('src_kind') as readonly EndpointKind[];
const notEvaluatedRows = filterPredicate(anyOf([LINK_UPKEEP, ICMP_ERROR]));
const guessedRows = filterPredicate(GUESSED_DIRECTION);

const ICMP = 1;
const ICMPV6 = 58;

/** The policy fields of the record for a result. */
interface FlowVerdict {
  readonly action: number;
  readonly policies: string;
  readonly pending: string;
  /** Time of the latest change of the policies in the trace, in ms since 1970; 0 if unknown. */
  readonly changedMs: number;
}

const NO_VERDICT: FlowVerdict = {
  action: enumerationNumber('action', 'unknown'),
  policies: '',
  pending: '',
  changedMs: 0,
};

/**
 * Evaluates the policies of a cluster for flows. A flow with known endpoints, protocol and port costs one lookup of
 * the result; its endpoints are looked up once per block.
 */
export class FlowPolicies {
  readonly #policies: PolicyContext;
  #addresses = new AddressTable();
  /** By address id: the owner of the address when it was identified, and its policy identity. */
  #holders: number[] = [];
  #identities: number[] = [];
  #generation: number;
  /** The generation of the identity index that cached owners belong to. */
  #holderGeneration = 0;
  /** The properties of pods that policies depend on. */
  readonly #pods = new WeakMap<Pod, PolicyPod>();
  /** The trace that stands for policies that are not evaluated; empty if the cluster has none. */
  #unevaluatedTrace = '';
  /** The count of policy changes at the last block. */
  #changeCount = 0;
  /** By number of result. */
  #said = new Map<number, FlowVerdict>();
  /** By result: its index in the dictionaries of the current block plus one; 0 for none. */
  #entries = new Uint32Array(1024);

  constructor(policies: PolicyContext) {
    this.#policies = policies;
    this.#generation = policies.evaluator.generation;
  }

  /**
   * Evaluates each flow like its first packet: client to server, behind any service. Hot path: works on numbers,
   * without an object per flow.
   */
  evaluate(
    cluster: Cluster,
    observed: ObservedColumns,
    { src, dst }: { readonly src: FlowEndpoints; readonly dst: FlowEndpoints },
    memory: ColumnMemory,
  ): FlowVerdicts {
    this.#refresh(cluster);
    const { evaluator } = this.#policies;
    const { protocol: protocols, src_port } = observed;
    const { kind: clientKind } = src.columns;
    const { kind: serverKind } = dst.columns;
    const sourceOf = this.#identifier(cluster, src);
    const destinationOf = this.#identifier(cluster, dst);
    const toServices = new UnreachedServices(this.#policies, (address, holder) =>
      this.#identify(cluster, address, 0, holder),
    );
    const containerPort = hostPortTranslator(cluster, dst, observed.start_time);
    const isGuessed = guessedRows(observed);
    const isNotEvaluated = notEvaluatedRows(observed);
    const verdictOf = (result: number) => evaluator.verdict(result);
    const words = memory.column('uint32', src_port.length);
    const results = new Int32Array(words.buffer, words.byteOffset, words.length);
    for (let row = 0; row < results.length; row++) {
      results[row] = NO_SINGLE_ENDPOINT;
      if (isNotEvaluated(row)) continue;
      const source = sourceOf(row);
      if (serverKind[row] === SERVICE) {
        results[row] = toServices.evaluate(cluster, observed, dst, row, source);
        continue;
      }
      const destination = destinationOf(row);
      const protocol = protocols[row] ?? 0;
      const port = containerPort(row, protocol, portOf(observed, row));
      const sourcePort = src_port[row] ?? 0;
      const relation = relationOf(src, dst, row);
      const result = evaluator.evaluate(source, destination, protocol, port, sourcePort, relation);
      if (evaluator.verdict(result) === 'deny' && isGuessed(row)) {
        const ends = [source, destination, protocol, port, sourcePort, relation] as const;
        const answers = evaluateReversed(evaluator, verdictOf, ...ends);
        if (answers !== undefined) {
          results[row] = answers;
          continue;
        }
      }
      const [client, server] = [KINDS[clientKind[row] ?? 0], KINDS[serverKind[row] ?? 0]];
      if (isGoverned(client, server, evaluator.hasTrace(result))) results[row] = result;
    }
    return this.#columns(results, memory);
  }

  /** The policy identities of a block's endpoints, looked up once per address while its owner is the same. */
  #identifier(cluster: Cluster, ends: FlowEndpoints): (row: number) => number {
    const { addresses, numbers, identityOf } = ends;
    const endOf = new Int32Array(addresses.distinct).fill(-1);
    const identities = new Int32Array(addresses.distinct);
    return (row) => {
      const address = addresses.numbers[row] ?? 0;
      const end = numbers[row] ?? 0;
      if (endOf[address] !== end) {
        endOf[address] = end;
        identities[address] = this.#identify(cluster, addresses.bytes, row * 16, identityOf[end] ?? 0);
      }
      return identities[address] ?? 0;
    };
  }

  /** The policy identity of the address at `offset`, which belongs to an owner of the identity index. */
  #identify(cluster: Cluster, addresses: Uint8Array, offset: number, holder: number): number {
    const number = this.#addresses.intern(addresses, offset);
    const known = this.#identities[number];
    if (known !== undefined && this.#holders[number] === holder) return known;
    // For policies, a pod on its node's network is the node.
    const isPod = cluster.identities.identity(holder)?.kind === 'pod';
    const pod = isPod ? this.#podAt(cluster.identities.pod(holder), addresses, offset) : undefined;
    const policyIdentity = this.#policies.evaluator.identify(addresses, offset, pod);
    this.#holders[number] = holder;
    this.#identities[number] = policyIdentity;
    return policyIdentity;
  }

  /** The properties of a pod that policies depend on, by the object as it was at the flow's time. */
  #podAt(pod: Pod | undefined, addresses: Uint8Array, offset: number): PolicyPod | undefined {
    // Policies do not apply to secondary networks of pods.
    if (!pod || isSecondaryAddress(pod, addresses, offset)) return undefined;
    const known = this.#pods.get(pod);
    if (known) return known;
    const problems: FieldProblem[] = [];
    const read = readPod(new Fields(pod, '', problems));
    // A pod that cannot be read is evaluated by its address.
    if (problems.length > 0) return undefined;
    this.#pods.set(pod, read);
    return read;
  }

  /** Clears caches after changes of policies or of owners, and full caches. */
  #refresh({ identities }: Cluster): void {
    this.#policies.prepare();
    const { evaluator, unevaluatedKinds, changes } = this.#policies;
    const trimmed = evaluator.trim();
    const unevaluatedTrace = traceOfUnevaluated(unevaluatedKinds);
    const unevaluatedChanged = unevaluatedTrace !== this.#unevaluatedTrace;
    this.#unevaluatedTrace = unevaluatedTrace;
    const policiesChanged = changes.count !== this.#changeCount;
    this.#changeCount = changes.count;
    const isCurrent = !trimmed && !unevaluatedChanged && !policiesChanged;
    if (!isCurrent || this.#said.size > MAX_CACHED_VERDICTS) this.#said = new Map();
    const current =
      evaluator.generation === this.#generation && identities.generation === this.#holderGeneration;
    if (!trimmed && current && this.#addresses.size < MAX_CACHED_ADDRESSES) return;
    this.#generation = evaluator.generation;
    this.#holderGeneration = identities.generation;
    this.#addresses = new AddressTable();
    this.#holders = [];
    this.#identities = [];
  }

  #columns(results: Int32Array, memory: ColumnMemory): FlowVerdicts {
    const said: FlowVerdict[] = [];
    const occurring: number[] = [];
    const indexes = memory.column('uint32', results.length);
    const action = memory.column('enumeration', results.length);
    const places = this.#policies.evaluator.sizes.results + 1;
    if (this.#entries.length < places) this.#entries = new Uint32Array(places * 2);
    const entries = this.#entries;
    for (let row = 0; row < results.length; row++) {
      const place = (results[row] ?? 0) + 1;
      let entry = entries[place] ?? 0;
      if (entry === 0) {
        entries[place] = entry = said.push(this.#saidOf(place - 1));
        occurring.push(place);
      }
      indexes[row] = entry - 1;
      action[row] = said[entry - 1]?.action ?? 0;
    }
    for (const place of occurring) entries[place] = 0;
    return {
      columns: {
        action,
        policies: { indexes, dictionary: said.map(({ policies }) => policies) },
        pending_policies: { indexes, dictionary: said.map(({ pending }) => pending) },
      },
      deciding: { indexes, changedMs: said.map(({ changedMs }) => changedMs) },
    };
  }

  #saidOf(result: number): FlowVerdict {
    if (result === NO_SINGLE_ENDPOINT) return NO_VERDICT;
    const unevaluated = this.#unevaluatedTrace;
    if (unevaluated !== '') return { ...NO_VERDICT, policies: unevaluated, pending: unevaluated };
    let said = this.#said.get(result);
    if (!said) {
      const { verdict, policies, pending } = this.#policies.evaluator.result(result);
      const changedMs = this.#policies.changes.latestOf(policies);
      said = { action: enumerationNumber('action', verdict), policies, pending: pending.policies, changedMs };
      this.#said.set(result, said);
    }
    return said;
  }
}

/**
 * A trace with a step for each policy kind that is not part of verdicts, for example
 * `0|unsupported|unsupported:CiliumNetworkPolicy.cilium.io|unknown|-2`.
 */
function traceOfUnevaluated(kinds: readonly UnevaluatedKind[]): string {
  return kinds
    .map(({ kind, reason }) => `${reason}|${reason}:${kind}|unknown|${UNKNOWN_RULE}`)
    .sort()
    .map((step, index) => `${index}|${step}`)
    .join(',');
}

/** The port of the evaluator: for ICMP, type and code in one number. */
function portOf({ protocol, dst_port, icmp_type, icmp_code }: ObservedColumns, row: number): number {
  if (protocol[row] !== ICMP && protocol[row] !== ICMPV6) return dst_port[row] ?? 0;
  return (icmp_type[row] ?? 0) * 256 + (icmp_code[row] ?? 0);
}

function relationOf(src: FlowEndpoints, dst: FlowEndpoints, row: number): Relation {
  const [client, server] = [src.numbers[row] ?? 0, dst.numbers[row] ?? 0];
  const identity = src.identityOf[client] ?? UNKNOWN_IDENTITY;
  const target = dst.identityOf[server] ?? UNKNOWN_IDENTITY;
  if (identity === UNKNOWN_IDENTITY || target === UNKNOWN_IDENTITY) return UNRELATED;
  if (identity === target) return SELF;
  if (!isOnNode(src.columns.kind[row])) return UNRELATED;
  if (src.columns.node.dictionary[client] !== dst.columns.node.dictionary[server]) return UNRELATED;
  // A node and the pods on its network are one host.
  return isOnNode(dst.columns.kind[row]) ? SELF : FROM_OWN_NODE;
}

function isOnNode(kind: number | undefined): boolean {
  return kind === NODE || kind === HOST_NETWORK_POD;
}
