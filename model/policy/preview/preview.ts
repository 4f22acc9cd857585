import type { FlowIdentity } from './flow-identity.js';
import type { Judgement, PolicyView } from './judge.js';
import { judgeFlows } from './judge.js';
import type { PolicyWorld } from './world.js';

/** A flow of which the change makes the policies say something else. */
export interface ChangedFlow<Flow extends FlowIdentity> {
  readonly flow: Flow;
  readonly before: Judgement;
  readonly after: Judgement;
}

/** What becomes of flows. Those that are in neither list fare as before. */
export interface FlowsPreview<Flow extends FlowIdentity> {
  readonly changed: readonly ChangedFlow<Flow>[];
  /** Flows that cannot be judged in both worlds. */
  readonly notJudged: readonly { readonly flow: Flow; readonly reason: string }[];
}

/**
 * The flows whose verdict differs between two worlds. `view` says which policies count afterwards; before, those that
 * are enforced do. Both worlds must have been told of the flows, as `judgeFlows` wants it.
 */
export function previewFlows<Flow extends FlowIdentity>(
  before: PolicyWorld,
  after: PolicyWorld,
  flows: readonly Flow[],
  view: PolicyView,
): FlowsPreview<Flow> {
  const former = judgeFlows(before, flows, 'enforced');
  const later = judgeFlows(after, flows, view);
  const changed: ChangedFlow<Flow>[] = [];
  const notJudged: { flow: Flow; reason: string }[] = [];
  for (const [index, flow] of flows.entries()) {
    const [one, other] = [former[index], later[index]];
    if (!one || !other) continue;
    const reason = one.notJudged ?? other.notJudged;
    if (reason !== undefined) notJudged.push({ flow, reason });
    else if (one.verdict !== other.verdict) changed.push({ flow, before: one, after: other });
  }
  return { changed, notJudged };
}
