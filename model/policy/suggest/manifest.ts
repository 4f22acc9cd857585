import type { KubernetesObject } from '../../cluster/objects.js';
import type { SuggestedPolicy, SuggestedRule } from './suggest.js';

/** A suggestion as a manifest, with the evidence of each of its rules. */
export interface SuggestedManifest {
  readonly manifest: KubernetesObject;
  /** The workload that it is for; empty for the policy that denies everything else. */
  readonly workload: string;
  readonly alsoSelects: readonly string[];
  readonly rules: readonly RuleEvidence[];
}

/** A rule of the manifest with the suggestion that it implements. */
export interface RuleEvidence {
  readonly direction: 'ingress' | 'egress';
  /** The rule's index in the manifest's list, from 0. */
  readonly index: number;
  readonly rule: SuggestedRule;
}

/** A name for a workload's policy: lower-case letters, digits and `-` (RFC 1123). */
export function policyName({ workload }: Pick<SuggestedPolicy, 'workload'>): string {
  const name = workload
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 200)
    .replace(/^-+|-+$/g, '');
  return `suggested-${name || 'workload'}`;
}

/** The name of the policy that denies everything else. */
export const DENY_NAME = 'suggested-default-deny';
