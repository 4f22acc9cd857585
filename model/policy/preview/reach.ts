import { formatAddress } from '../../cluster/address.js';
import { familyOf } from '../address/prefix.js';
import type { Relation } from '../evaluate/connection.js';
import type { ConnectionReport } from '../manifests/connection.js';
import type { DirectionResult, PolicyResult } from '../results.js';
import { type FlowEnd, resultsOf } from './judge.js';
import type { PolicyWorld } from './world.js';

/** A connection that may never have been: who would open it, and to what. */
export interface AskedConnection {
  /** Those who are meant; the answer is for all of them. */
  readonly from: readonly FlowEnd[];
  readonly to: readonly FlowEnd[];
  readonly protocol: number;
  /** Of ICMP type × 256 + code; -1 where it is not known. */
  readonly port: number;
  /** The client's port, or -1 where it is not known. */
  readonly sourcePort: number;
  readonly relation: Relation;
}

const UNKNOWN: DirectionResult = { verdict: 'unknown', trace: [] };

/**
 * What a world's policies say of a connection between ends as flows tell them. Where it is not the same for all who
 * are meant, the verdict is unknown, and notes say for whom it is what.
 */
export function evaluateReach(world: PolicyWorld, asked: AskedConnection): ConnectionReport {
  const { evaluator } = world;
  const results = new Map<string, { readonly result: PolicyResult; readonly pair: string }>();
  const reasons = new Set<string>();
  for (const src of asked.from) {
    for (const dst of asked.to) {
      if (familyOf(src.address) !== familyOf(dst.address)) continue;
      const pair = `${nameOf(src)} to ${nameOf(dst)}`;
      const numbers = resultsBetween(world, asked, src, dst);
      if (typeof numbers === 'string') reasons.add(numbers);
      else if (numbers.length === 0) reasons.add(`no policy governs ${pair}`);
      else {
        for (const number of numbers) {
          const result = evaluator.result(number);
          const key = `${result.verdict} ${result.pending.verdict}`;
          if (!results.has(key)) results.set(key, { result, pair });
        }
      }
    }
  }
  const all = [...results.values()];
  const [first] = all;
  if (!first && reasons.size === 0) return open(['the two ends have no address family in common']);
  if (!first || reasons.size > 0) return open([...reasons]);
  if (all.length > 1) return open(all.map(({ result, pair }) => `from ${pair} it is ${verdictsOf(result)}`));
  const { verdict, egress, ingress, pending, notes } = first.result;
  return { verdict, egress, ingress, pending: viewOf(pending), notes };
}

function resultsBetween(world: PolicyWorld, asked: AskedConnection, src: FlowEnd, dst: FlowEnd) {
  const { protocol, port, sourcePort, relation } = asked;
  const flow = { src, dst, protocol, port, sourcePort, relation, answered: false, domain: '' };
  return resultsOf(world, flow, 'enforced');
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

function nameOf({ kind, namespace, labels, address }: FlowEnd): string {
  return kind === 'pod' ? `${namespace}/{${labels}}` : formatAddress(address);
}
