import { readEntry } from '../trace/read.js';
import type { TraceAction } from '../trace/entry.js';

/** How much traffic took a way. */
export interface Traffic {
  readonly flows: number;
  readonly connections: number;
  readonly bytes: number;
}

/** Flows with the same traces, together. */
export interface TracedTraffic extends Traffic {
  /** The trace as in the flow record, of one view of the policies. */
  readonly trace: string;
  /** Whether the client is a pod: then the trace begins with what policies said there. */
  readonly fromPod: boolean;
  /** When the last of them ended, in ms since 1970. */
  readonly lastMs: number;
}

/** What a policy did to traffic under one view. */
export interface PolicyHits {
  readonly actions: Map<TraceAction, Traffic>;
  readonly rules: RuleHits[];
  /** When traffic last met the policy, in ms since 1970. */
  lastMs: number;
}

/** What one rule of a policy did. */
export interface RuleHits {
  readonly direction: 'ingress' | 'egress';
  /** As in traces: from 0, -1 the end of the policy's tier, -2 where it is not known whether a rule matched. */
  readonly rule: number;
  readonly action: TraceAction;
  traffic: Traffic;
}

/** Hits by the place of what was hit: tier and policy as traces name them, such as `default|knp:shop/web`. */
export type HitsByPlace = ReadonlyMap<string, PolicyHits>;

/**
 * Counts what policies did, by the traces of flows. The end of a tier counts for the policy that the trace names for
 * it: the last one of the tier that selects the endpoint.
 */
export function countHits(traced: readonly TracedTraffic[]): HitsByPlace {
  const places = new Map<string, PolicyHits>();
  for (const { trace, fromPod, lastMs, ...traffic } of traced) {
    if (trace === '') continue;
    const texts = trace.split(',');
    // Each direction counts its entries from 0.
    const begins = texts.map((text) => text.startsWith('0|'));
    const isTwo = begins.indexOf(true, 1) > 0;
    let direction: RuleHits['direction'] = isTwo || fromPod ? 'egress' : 'ingress';
    for (const [index, text] of texts.entries()) {
      if (index > 0 && begins[index]) direction = 'ingress';
      const { action, rule } = readEntry(text);
      const place = text.split('|', 3).slice(1).join('|');
      const hits = places.get(place) ?? { actions: new Map<TraceAction, Traffic>(), rules: [], lastMs: 0 };
      places.set(place, hits);
      hits.actions.set(action, sum(hits.actions.get(action), traffic));
      hits.lastMs = Math.max(hits.lastMs, lastMs);
      const known = hits.rules.find(
        (one) => one.rule === rule && one.direction === direction && one.action === action,
      );
      if (known) known.traffic = sum(known.traffic, traffic);
      else hits.rules.push({ direction, rule, action, traffic: sum(undefined, traffic) });
    }
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
