import type { KubernetesObject } from '../../cluster/objects.js';
import type { SuggestedPolicy, SuggestedRule } from './suggest.js';

/** A suggestion as a manifest, with the evidence of each of its rules. */
export interface SuggestedManifest {
  readonly manifest: KubernetesObject;
  /** The workload that it is for; empty for the policy that denies what no other allows. */
  readonly workload: string;
  readonly alsoSelects: readonly string[];
  readonly rules: readonly RuleEvidence[];
}

/** Which rule of the manifest stands for what. */
export interface RuleEvidence {
  readonly direction: 'ingress' | 'egress';
  /** The rule's place in the manifest's list, from 0. */
  readonly index: number;
  readonly rule: SuggestedRule;
}

/** A name for a workload's policy: lower-case letters, digits and `-`, as object names are (RFC 1123). */
export function policyName({ workload }: Pick<SuggestedPolicy, 'workload'>): string {
  const name = workload
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 200)
    .replace(/^-+|-+$/g, '');
  return `suggested-${name || 'workload'}`;
}

/** The name of the policy that denies what no other allows. */
export const DENY_NAME = 'suggested-default-deny';
