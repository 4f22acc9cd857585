import type { PolicyEvaluator } from '@sonde/model/policy/evaluator';
import type { ServiceBackends } from '@sonde/model/policy/manifests/cluster';

/** The policies of a cluster, which may change from block to block. */
export interface PolicyContext {
  readonly evaluator: PolicyEvaluator;
  /** Services by the text of their virtual addresses. */
  readonly servicesByAddress: ReadonlyMap<string, ServiceBackends>;
}
