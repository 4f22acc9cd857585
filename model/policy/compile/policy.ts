import type { Policy } from '../resources/read.js';
import { compileAdminNetworkPolicy } from './admin-network-policy.js';
import { compileCalicoPolicy } from './calico-policy.js';
import type { CompiledPolicy } from './compiled-policy.js';
import { compileNetworkPolicy } from './network-policy.js';
import type { FactSources } from './fact-sources.js';

/**
 * Compiles a policy of any API. Undefined for a staged policy that is to delete: it takes part in no evaluation,
 * as Calico withholds it from its data plane.
 */
export function compilePolicy(policy: Policy, references: FactSources): CompiledPolicy | undefined {
  switch (policy.kind) {
    case 'NetworkPolicy':
    case 'StagedKubernetesNetworkPolicy':
      return policy.staged === 'Delete' ? undefined : compileNetworkPolicy(policy, references);
    case 'AdminNetworkPolicy':
    case 'BaselineAdminNetworkPolicy':
    case 'ClusterNetworkPolicy':
      return compileAdminNetworkPolicy(policy, references);
    case 'CalicoNetworkPolicy':
    case 'GlobalNetworkPolicy':
    case 'StagedNetworkPolicy':
    case 'StagedGlobalNetworkPolicy':
      return policy.staged === 'Delete' ? undefined : compileCalicoPolicy(policy, references);
  }
}
