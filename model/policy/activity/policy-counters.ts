import { readEntry } from '../trace/read.js';
import type { TraceAction } from '../trace/entry.js';

/** How much traffic took a way. */
export interface Traffic {
  readonly flows: number;
  readonly connections: number;
  readonly bytes: number;
}

/** Traffic to which one step of traces was the same, together. */
export interface StepTraffic extends Traffic {
  /** A trace's entry without its index: `tier|kind:namespace/name|action|rule`. */
  readonly step: string;
  readonly direction: 'ingress' | 'egress';
  /** When the last of it ended, in ms since 1970. */
  readonly lastMs: number;
}

/** What a policy did to traffic under one view. */
export interface PolicyCounters {
  readonly actions: Map<TraceAction, Traffic>;
  readonly rules: RuleCounters[];
  /** When traffic last met the policy, in ms since 1970. */
  lastMs: number;
}

/** What one rule of a policy did. */
export interface RuleCounters {
  readonly direction: 'ingress' | 'egress';
  /** As in traces: from 0, -1 the end of the policy's tier, -2 where it is not known whether a rule matched. */
  readonly rule: number;
  readonly action: TraceAction;
  readonly traffic: Traffic;
}

/** Hits by the place of what was hit: tier and policy as traces name them, such as `default|knp:shop/web`. */
export type CountersByPolicy = ReadonlyMap<string, PolicyCounters>;

/**
 * Counts what policies did, by the steps of traces. The end of a tier counts for the policy that the trace names for
 * it: the last one of the tier that selects the endpoint.
 */
export function countPolicyTraffic(steps: readonly StepTraffic[]): CountersByPolicy {
  const places = new Map<string, PolicyCounters>();
  for (const { step, direction, lastMs, ...traffic } of steps) {
    const { action, rule } = readEntry(`0|${step}`);
    const place = step.split('|', 2).join('|');
    const hits = places.get(place) ?? { actions: new Map<TraceAction, Traffic>(), rules: [], lastMs: 0 };
    places.set(place, hits);
    hits.actions.set(action, sum(hits.actions.get(action), traffic));
    hits.lastMs = Math.max(hits.lastMs, lastMs);
    hits.rules.push({ direction, rule, action, traffic });
  }
  return places;
}

function sum(one: Traffic | undefined, other: Traffic): Traffic {
  return {
    flows: (one?.flows ?? 0) + other.flows,
    connections: (one?.connections ?? 0) + other.connections,
    bytes: (one?.bytes ?? 0) + other.bytes,
  };
}
