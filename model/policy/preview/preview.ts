import type { FlowIdentity } from './flow-identity.js';
import type { FlowVerdict, PolicyView } from './evaluate-flows.js';
import { evaluateFlows } from './evaluate-flows.js';
import type { PolicySnapshot } from './snapshot.js';

/** A flow whose verdict the change alters. */
export interface ChangedFlow<Flow extends FlowIdentity> {
  readonly flow: Flow;
  readonly before: FlowVerdict;
  readonly after: FlowVerdict;
}

/** The effect of a change on flows. Flows in neither list keep their verdict. */
export interface FlowsPreview<Flow extends FlowIdentity> {
  readonly changed: readonly ChangedFlow<Flow>[];
  /** Flows that cannot be evaluated in both snapshots. */
  readonly notEvaluated: readonly { readonly flow: Flow; readonly reason: string }[];
}

/**
 * The flows whose verdict differs between two snapshots. The first is evaluated with the enforced policies, the second
 * under `view`. Add the flows' pods and domain answers to both snapshots first; see `evaluateFlows`.
 */
export function previewFlows<Flow extends FlowIdentity>(
  before: PolicySnapshot,
  after: PolicySnapshot,
  flows: readonly Flow[],
  view: PolicyView,
): FlowsPreview<Flow> {
  const former = evaluateFlows(before, flows, 'enforced');
  const later = evaluateFlows(after, flows, view);
  const changed: ChangedFlow<Flow>[] = [];
  const notEvaluated: { flow: Flow; reason: string }[] = [];
  for (const [index, flow] of flows.entries()) {
    const [one, other] = [former[index], later[index]];
    if (!one || !other) continue;
    const reason = one.notEvaluated ?? other.notEvaluated;
    if (reason !== undefined) notEvaluated.push({ flow, reason });
    else if (one.verdict !== other.verdict) changed.push({ flow, before: one, after: other });
  }
  return { changed, notEvaluated };
}
