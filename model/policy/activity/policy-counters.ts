import { readEntry } from '../trace/read.js';
import type { TraceAction } from '../trace/entry.js';

/** An amount of traffic. */
export interface Traffic {
  readonly flows: number;
  readonly connections: number;
  readonly bytes: number;
}

/** Total traffic of flows with the same trace step. */
export interface StepTraffic extends Traffic {
  /** A trace entry without its index: `tier|kind:namespace/name|action|rule`. */
  readonly step: string;
  readonly direction: 'ingress' | 'egress';
  /** End of the latest flow, in ms since 1970. */
  readonly lastMs: number;
}

/** Traffic that a policy decided, under one view. */
export interface PolicyCounters {
  readonly actions: Map<TraceAction, Traffic>;
  readonly rules: RuleCounters[];
  /** End of the latest flow that the policy decided, in ms since 1970. */
  lastMs: number;
}

/** Traffic that one rule of a policy decided. */
export interface RuleCounters {
  readonly direction: 'ingress' | 'egress';
  /** As in traces: from 0; -1 for the end of the policy's tier; -2 if it is not known whether a rule matched. */
  readonly rule: number;
  readonly action: TraceAction;
  readonly traffic: Traffic;
}

/** Counters by tier and policy as in traces, such as `default|knp:shop/web`. */
export type CountersByPolicy = ReadonlyMap<string, PolicyCounters>;

/**
 * Adds up the traffic of trace steps by policy. The end of a tier counts for the policy that the trace names there: the
 * last policy of the tier that selects the endpoint.
 */
export function countPolicyTraffic(steps: readonly StepTraffic[]): CountersByPolicy {
  const counters = new Map<string, PolicyCounters>();
  for (const { step, direction, lastMs, ...traffic } of steps) {
    const { action, rule } = readEntry(`0|${step}`);
    const place = step.split('|', 2).join('|');
    const hits = counters.get(place) ?? { actions: new Map<TraceAction, Traffic>(), rules: [], lastMs: 0 };
    counters.set(place, hits);
    hits.actions.set(action, sum(hits.actions.get(action), traffic));
    hits.lastMs = Math.max(hits.lastMs, lastMs);
    hits.rules.push({ direction, rule, action, traffic });
  }
  return counters;
}

function sum(one: Traffic | undefined, other: Traffic): Traffic {
  return {
    flows: (one?.flows ?? 0) + other.flows,
    connections: (one?.connections ?? 0) + other.connections,
    bytes: (one?.bytes ?? 0) + other.bytes,
  };
}
