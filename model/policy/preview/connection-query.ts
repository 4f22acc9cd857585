import { formatAddress } from '../../net/address.js';
import { familyOf } from '../../net/prefix.js';
import type { Relation } from '../evaluate/connection.js';
import type { ConnectionReport } from '../manifests/connection.js';
import type { DirectionResult, PolicyResult } from '../evaluate/results.js';
import type { FlowEndpoint } from './flow-identity.js';
import { identify, evaluateFlow } from './evaluate-flows.js';
import type { PolicySnapshot } from './snapshot.js';

/** A hypothetical connection between any of `from` and any of `to`. */
export interface ConnectionQuery {
  /** The possible clients; the answer is for all of them. */
  readonly from: readonly FlowEndpoint[];
  readonly to: readonly FlowEndpoint[];
  readonly protocol: number;
  /** For ICMP type × 256 + code; -1 if unknown. */
  readonly port: number;
  /** The client's port; -1 if unknown. */
  readonly sourcePort: number;
  readonly relation: Relation;
}

/** A connection query reduced to one endpoint of each group that no policy distinguishes. */
export interface DistinctConnections extends ConnectionQuery {
  /** Number of endpoint pairs to evaluate; a service address counts once per backend. */
  readonly pairs: number;
}

const UNKNOWN: DirectionResult = { verdict: 'unknown', trace: [] };

/** Pairs that are evaluated before yielding. */
const PAIRS_PER_YIELD = 1000;

/** Maximum number of reasons that are given for an unknown verdict. */
const MAX_REASONS = 10;

/** Reduces a query to the distinct endpoints in a snapshot. Add pods and domain names to the snapshot first. */
export function distinctConnections(snapshot: PolicySnapshot, query: ConnectionQuery): DistinctConnections {
  const from = distinctEndpoints(snapshot, query.from);
  const to = distinctEndpoints(snapshot, query.to);
  const evaluated = to.reduce((sum, dst) => sum + backendCount(snapshot, dst), 0);
  return { ...query, from, to, pairs: from.length * evaluated };
}

/** One endpoint of each group that no policy of the snapshot distinguishes. */
function distinctEndpoints(snapshot: PolicySnapshot, ends: readonly FlowEndpoint[]): FlowEndpoint[] {
  const kinds = new Map<string, FlowEndpoint>();
  for (const end of ends) {
    const identity = end.kind === 'service' ? formatAddress(end.address) : identify(snapshot, end);
    const kind = `${end.kind === 'pod'} ${familyOf(end.address)} ${identity}`;
    if (!kinds.has(kind)) kinds.set(kind, end);
  }
  return [...kinds.values()];
}

/** Number of endpoints that a flow to an endpoint may reach. */
function backendCount({ services, pods, backends }: PolicySnapshot, { kind, address }: FlowEndpoint): number {
  if (kind !== 'service') return 1;
  const service = services.at(address);
  const candidates = service ? pods.backendsOf(service) : backends.get(formatAddress(address))?.endpoints;
  return Math.max(1, candidates?.length ?? 0);
}

/**
 * Evaluates a connection against a snapshot's policies. If not all pairs of endpoints have the same verdict, the verdict
 * is unknown and notes list the differing pairs. Yields after every {@link PAIRS_PER_YIELD} pairs, so that other work can
 * run.
 */
export function* evaluateDistinctConnections(
  snapshot: PolicySnapshot,
  connections: DistinctConnections,
): Generator<undefined, ConnectionReport> {
  const { evaluator } = snapshot;
  const results = new Map<string, { readonly result: PolicyResult; readonly pair: string }>();
  const reasons = new Set<string>();
  const known = new Set<number>();
  let evaluated = 0;
  for (const [src, dst] of pairsOf(connections)) {
    // The verdict is already unknown; further pairs cannot change that.
    if (results.size > 1 || reasons.size === MAX_REASONS) break;
    const numbers = resultsBetween(snapshot, connections, src, dst);
    if (typeof numbers === 'string') reasons.add(numbers);
    else if (numbers.length === 0) reasons.add(`no policy governs ${pairName(src, dst)}`);
    else {
      for (const number of numbers) {
        if (known.has(number)) continue;
        known.add(number);
        const result = evaluator.result(number);
        const key = `${result.verdict} ${result.pending.verdict}`;
        if (!results.has(key)) results.set(key, { result, pair: pairName(src, dst) });
      }
    }
    const before = evaluated;
    evaluated += typeof numbers === 'string' ? 1 : Math.max(1, numbers.length);
    if (Math.floor(before / PAIRS_PER_YIELD) < Math.floor(evaluated / PAIRS_PER_YIELD)) yield;
  }
  const all = [...results.values()];
  const [first] = all;
  if (!first && reasons.size === 0) return unknownReport(['the endpoints have no common address family']);
  const differing =
    all.length > 1 ? all.map(({ result, pair }) => `from ${pair} it is ${verdictsOf(result)}`) : [];
  if (!first || reasons.size + differing.length > 0) return unknownReport([...reasons, ...differing]);
  const { verdict, egress, ingress, pending, notes } = first.result;
  return { verdict, egress, ingress, pending: viewOf(pending), notes };
}

function* pairsOf({
  from,
  to,
}: DistinctConnections): Generator<readonly [src: FlowEndpoint, dst: FlowEndpoint]> {
  for (const src of from) {
    for (const dst of to) if (familyOf(src.address) === familyOf(dst.address)) yield [src, dst];
  }
}

function resultsBetween(
  snapshot: PolicySnapshot,
  query: ConnectionQuery,
  src: FlowEndpoint,
  dst: FlowEndpoint,
) {
  const { protocol, port, sourcePort, relation } = query;
  const flow = { src, dst, protocol, port, sourcePort, relation, guessed: false, domain: '' };
  return evaluateFlow(snapshot, flow, 'enforced');
}

function unknownReport(notes: readonly string[]): ConnectionReport {
  const unknown = { verdict: 'unknown', egress: UNKNOWN, ingress: UNKNOWN } as const;
  return { ...unknown, pending: unknown, notes };
}

function viewOf({ verdict, egress, ingress }: PolicyResult['pending']): ConnectionReport['pending'] {
  return { verdict, egress, ingress };
}

function verdictsOf({ verdict, pending }: PolicyResult): string {
  return pending.verdict === verdict ? verdict : `${verdict}, with staged policies ${pending.verdict}`;
}

function pairName(src: FlowEndpoint, dst: FlowEndpoint): string {
  return `${nameOf(src)} to ${nameOf(dst)}`;
}

function nameOf({ kind, namespace, labels, address }: FlowEndpoint): string {
  return kind === 'pod' ? `${namespace}/{${labels}}` : formatAddress(address);
}
