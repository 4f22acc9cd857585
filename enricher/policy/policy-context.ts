import type { PolicyEvaluator } from '@sonde/model/policy/evaluator';
import type { ServiceBackends } from '@sonde/model/policy/manifests/cluster';

/** The policies of a cluster, which may change from block to block. */
export interface PolicyContext {
  readonly evaluator: PolicyEvaluator;
  /** Services by the text of their virtual addresses. */
  readonly servicesByAddress: ReadonlyMap<string, ServiceBackends>;
  /** Kinds, as `Kind.group`, of policies in the cluster that Sonde does not evaluate; with any, verdicts are unknown. */
  readonly unsupportedKinds?: ReadonlySet<string>;
}
