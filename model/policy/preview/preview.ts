import type { FlowIdentity, Judgement, PolicyView } from './judge.js';
import { judgeFlows } from './judge.js';
import type { PolicyWorld } from './world.js';

/** A flow of which the change makes the policies say something else. */
export interface ChangedFlow<Flow extends FlowIdentity> {
  readonly flow: Flow;
  readonly before: Judgement;
  readonly after: Judgement;
}

/**
 * The flows whose verdict differs between two worlds. `view` says which policies count afterwards; before, those that
 * are enforced do. Both worlds must know the domain names of all flows.
 */
export function previewFlows<Flow extends FlowIdentity>(
  before: PolicyWorld,
  after: PolicyWorld,
  flows: readonly Flow[],
  view: PolicyView,
): ChangedFlow<Flow>[] {
  const former = judgeFlows(before, flows, 'enforced');
  const later = judgeFlows(after, flows, view);
  return flows.flatMap((flow, index) => {
    const [one, other] = [former[index], later[index]];
    return one && other && one.verdict !== other.verdict ? [{ flow, before: one, after: other }] : [];
  });
}
