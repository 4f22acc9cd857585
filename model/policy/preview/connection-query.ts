import { formatAddress } from '../../net/address.js';
import { familyOf } from '../../net/prefix.js';
import type { Relation } from '../evaluate/connection.js';
import type { ConnectionReport } from '../manifests/connection.js';
import type { DirectionResult, PolicyResult } from '../evaluate/results.js';
import type { FlowEndpoint } from './flow-identity.js';
import { identify, evaluateFlow } from './evaluate-flows.js';
import type { PolicySnapshot } from './snapshot.js';

/** A connection that may never have been: who would open it, and to what. */
export interface ConnectionQuery {
  /** Those who are meant; the answer is for all of them. */
  readonly from: readonly FlowEndpoint[];
  readonly to: readonly FlowEndpoint[];
  readonly protocol: number;
  /** Of ICMP type × 256 + code; -1 where it is not known. */
  readonly port: number;
  /** The client's port, or -1 where it is not known. */
  readonly sourcePort: number;
  readonly relation: Relation;
}

/** A connection with one of those ends each that no policy tells apart, and the work that it makes. */
export interface DistinctConnections extends ConnectionQuery {
  /** Pairs of ends that are evaluated, behind the addresses of services those of each pod. */
  readonly pairs: number;
}

const UNKNOWN: DirectionResult = { verdict: 'unknown', trace: [] };

/** Pairs that are evaluated in one go. */
const PAIRS_PER_YIELD = 1000;

/** Reasons that are given for an answer's being open. */
const MAX_REASONS = 10;

/** What a question comes down to in a snapshot, which must have been told of pods and domain names before. */
export function distinctConnections(snapshot: PolicySnapshot, asked: ConnectionQuery): DistinctConnections {
  const from = distinctEndpoints(snapshot, asked.from);
  const to = distinctEndpoints(snapshot, asked.to);
  const evaluated = to.reduce((sum, dst) => sum + backendCount(snapshot, dst), 0);
  return { ...asked, from, to, pairs: from.length * evaluated };
}

/** The first of those ends each that no policy of a snapshot tells apart. */
function distinctEndpoints(snapshot: PolicySnapshot, ends: readonly FlowEndpoint[]): FlowEndpoint[] {
  const kinds = new Map<string, FlowEndpoint>();
  for (const end of ends) {
    const who = end.kind === 'service' ? formatAddress(end.address) : identify(snapshot, end);
    const kind = `${end.kind === 'pod'} ${familyOf(end.address)} ${who}`;
    if (!kinds.has(kind)) kinds.set(kind, end);
  }
  return [...kinds.values()];
}

/** How many ends a flow to an end may come to. */
function backendCount({ services, pods, backends }: PolicySnapshot, { kind, address }: FlowEndpoint): number {
  if (kind !== 'service') return 1;
  const service = services.at(address);
  const behind = service ? pods.behind(service) : backends.get(formatAddress(address))?.endpoints;
  return Math.max(1, behind?.length ?? 0);
}

/**
 * What a snapshot's policies say of a connection between ends as flows tell them. Where it is not the same for all who
 * are meant, the verdict is unknown, and notes say for whom it is what. Pauses after each some hundred pairs, so that
 * others can have their turn.
 */
export function* evaluateDistinctConnections(
  snapshot: PolicySnapshot,
  reach: DistinctConnections,
): Generator<undefined, ConnectionReport> {
  const { evaluator } = snapshot;
  const results = new Map<string, { readonly result: PolicyResult; readonly pair: string }>();
  const reasons = new Set<string>();
  const known = new Set<number>();
  let evaluated = 0;
  for (const [src, dst] of pairsOf(reach)) {
    // Nothing can settle any more what is open by now.
    if (results.size > 1 || reasons.size === MAX_REASONS) break;
    const numbers = resultsBetween(snapshot, reach, src, dst);
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
  if (!first && reasons.size === 0) return open(['the two ends have no address family in common']);
  const differing =
    all.length > 1 ? all.map(({ result, pair }) => `from ${pair} it is ${verdictsOf(result)}`) : [];
  if (!first || reasons.size + differing.length > 0) return open([...reasons, ...differing]);
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
  asked: ConnectionQuery,
  src: FlowEndpoint,
  dst: FlowEndpoint,
) {
  const { protocol, port, sourcePort, relation } = asked;
  const flow = { src, dst, protocol, port, sourcePort, relation, answered: false, domain: '' };
  return evaluateFlow(snapshot, flow, 'enforced');
}

function open(notes: readonly string[]): ConnectionReport {
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
