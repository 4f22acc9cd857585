import type { Selector } from '../selector/selector.js';
import { plainSelector, readCalicoRule, type CalicoRule } from './calico-rule.js';
import type { Fields } from './fields.js';
import { readStagedAction, type StagedAction } from './staged-action.js';

/** Calico's policies (projectcalico.org/v3): namespaced and global, enforced and staged. */
export interface CalicoPolicy {
  readonly kind: CalicoPolicyKind;
  /** Empty for global policies. */
  readonly namespace: string;
  readonly name: string;
  /** Set if the policy is staged. */
  readonly staged: StagedAction | undefined;
  readonly tier: string;
  /** Lower first; undefined last. */
  readonly order: number | undefined;
  readonly selector: Selector | undefined;
  readonly namespaceSelector: Selector | undefined;
  readonly serviceAccountSelector: Selector | undefined;
  /** The rules by direction; undefined if the policy does not apply to the direction. */
  readonly ingress: readonly CalicoRule[] | undefined;
  readonly egress: readonly CalicoRule[] | undefined;
  /** How the policy acts on host endpoints. */
  readonly host: HostPolicyMode;
}

export type CalicoPolicyKind =
  'CalicoNetworkPolicy' | 'GlobalNetworkPolicy' | 'StagedNetworkPolicy' | 'StagedGlobalNetworkPolicy';

/**
 * `local`: traffic of the host itself. `forward`: also what the host forwards. `preDnat` and `untracked`: before
 * destination NAT, and before connection tracking, outside the normal order of policies.
 */
export type HostPolicyMode = 'local' | 'forward' | 'preDnat' | 'untracked';

const FIELDS = [
  'tier',
  'order',
  'ingress',
  'egress',
  'selector',
  'types',
  'serviceAccountSelector',
  'performanceHints',
];
const GLOBAL_FIELDS = ['namespaceSelector', 'doNotTrack', 'preDNAT', 'applyOnForward'];

/** The tier of policies without one. */
const DEFAULT_TIER = 'default';

/** Reads the `spec` of a policy; missing `types` are set as in Calico's API. */
export function readCalicoPolicy(
  kind: CalicoPolicyKind,
  namespace: string,
  name: string,
  spec: Fields,
): CalicoPolicy {
  const staged = kind.startsWith('Staged');
  const global = kind.endsWith('GlobalNetworkPolicy');
  spec.allowOnly([...FIELDS, ...(global ? GLOBAL_FIELDS : []), ...(staged ? ['stagedAction'] : [])]);
  const ingress = spec.objects('ingress', (rule) => readCalicoRule(rule, 'ingress', namespace)) ?? [];
  const egress = spec.objects('egress', (rule) => readCalicoRule(rule, 'egress', namespace)) ?? [];
  const types = readTypes(spec, ingress.length > 0, egress.length > 0);
  return {
    kind,
    namespace,
    name,
    staged: staged ? readStagedAction(spec) : undefined,
    tier: spec.string('tier') || DEFAULT_TIER,
    order: spec.number('order'),
    selector: plainSelector(spec, 'selector'),
    namespaceSelector: plainSelector(spec, 'namespaceSelector'),
    serviceAccountSelector: plainSelector(spec, 'serviceAccountSelector'),
    ingress: types.includes('Ingress') ? ingress : undefined,
    egress: types.includes('Egress') ? egress : undefined,
    host: readHostMode(spec, types),
  };
}

type PolicyType = 'Ingress' | 'Egress';

function readTypes(spec: Fields, ingress: boolean, egress: boolean): readonly PolicyType[] {
  const types = spec.items('types', (item, problem): PolicyType | undefined => {
    if (item === 'Ingress' || item === 'Egress') return item;
    problem('must be Ingress or Egress');
    return undefined;
  });
  if (new Set(types).size < types.length) spec.problem('types', 'contains a type twice');
  if (types.length > 0) return types;
  if (!egress) return ['Ingress'];
  return ingress ? ['Ingress', 'Egress'] : ['Egress'];
}

function readHostMode(spec: Fields, types: readonly PolicyType[]): HostPolicyMode {
  const untracked = spec.boolean('doNotTrack') ?? false;
  const preDnat = spec.boolean('preDNAT') ?? false;
  const forward = spec.boolean('applyOnForward') ?? false;
  if (untracked && preDnat) spec.problem('preDNAT', 'may not be combined with doNotTrack');
  if ((untracked || preDnat) && !forward) {
    spec.problem('applyOnForward', 'must be true with doNotTrack or preDNAT');
  }
  if (preDnat && types.includes('Egress')) spec.problem('preDNAT', 'is not allowed in an egress policy');
  return untracked ? 'untracked' : preDnat ? 'preDnat' : forward ? 'forward' : 'local';
}
