import type { CompiledPolicy, CompiledRule, CompiledTier } from '../compile/compiled-policy.js';
import type { Host } from '../endpoint/entities.js';
import type { Workload } from '../endpoint/workloads.js';
import { PROFILE_TIER } from '../trace/entry.js';
import { appliesTo } from './match.js';

export type Direction = 'ingress' | 'egress';

/** The tiers and then the profiles that apply to one direction of an endpoint's traffic. */
export interface Program {
  readonly direction: Direction;
  readonly tiers: readonly ProgramTier[];
  readonly profiles: readonly ProgramProfile[];
  /** Policies of Calico's host modes outside the normal order, which Sonde does not evaluate. */
  readonly notEvaluated: readonly CompiledPolicy[];
  /** Whether any policy is staged; if not, the pending view is the enforced one. */
  readonly staged: boolean;
}

export interface ProgramTier {
  readonly name: string;
  readonly defaultAction: 'deny' | 'pass';
  readonly policies: readonly ProgramPolicy[];
}

export interface ProgramPolicy {
  readonly policy: CompiledPolicy;
  readonly rules: readonly CompiledRule[];
}

export interface ProgramProfile {
  readonly name: string;
  /** The profile as in traces, such as `__PROFILE__|pro:kns.shop`. */
  readonly place: string;
  /** Undefined if the profile does not exist. */
  readonly rules: readonly CompiledRule[] | undefined;
}

const ALLOW_ALL: readonly CompiledRule[] = [
  {
    action: 'allow',
    family: undefined,
    protocol: undefined,
    notProtocol: undefined,
    conditions: [],
    origin: { index: 0, name: '' },
  },
];

/** The profile of host endpoints that Calico creates automatically. */
const DEFAULT_ALLOW_PROFILE = 'projectcalico-default-allow';

/** Looks up a profile's rules of a direction. */
export type ProfileRules = (name: string, direction: Direction) => readonly CompiledRule[] | undefined;

/** The program of a pod for one direction. The profile of its namespace allows everything that no tier decides. */
export function workloadProgram(
  tiers: readonly CompiledTier[],
  workload: Workload,
  direction: Direction,
): Program {
  const applies = (policy: CompiledPolicy) =>
    policy.host !== 'preDnat' &&
    policy.host !== 'untracked' &&
    appliesTo(policy.subject, workload, undefined);
  const profiles = [profile(`kns.${workload.namespace}`, ALLOW_ALL)];
  return { direction, ...programTiers(tiers, direction, applies), profiles, notEvaluated: [] };
}

/** The program of a host endpoint for one direction. */
export function hostProgram(
  tiers: readonly CompiledTier[],
  host: Host,
  direction: Direction,
  profileRules: ProfileRules,
): Program {
  const selected = (policy: CompiledPolicy) => appliesTo(policy.subject, undefined, host);
  const outside = ({ host: mode }: CompiledPolicy) => mode === 'preDnat' || mode === 'untracked';
  return {
    direction,
    ...programTiers(tiers, direction, (policy) => !outside(policy) && selected(policy)),
    profiles: host.profiles.map((name) =>
      profile(
        name,
        profileRules(name, direction) ?? (name === DEFAULT_ALLOW_PROFILE ? ALLOW_ALL : undefined),
      ),
    ),
    notEvaluated: tiers
      .flatMap(({ policies }) => policies)
      .filter((policy) => outside(policy) && policy[direction] && selected(policy)),
  };
}

function profile(name: string, rules: readonly CompiledRule[] | undefined): ProgramProfile {
  return { name, place: `${PROFILE_TIER}|pro:${name}`, rules };
}

function programTiers(
  tiers: readonly CompiledTier[],
  direction: Direction,
  applies: (policy: CompiledPolicy) => boolean,
): { tiers: ProgramTier[]; staged: boolean } {
  let staged = false;
  const applying: ProgramTier[] = [];
  for (const { name, defaultAction, policies } of tiers) {
    const selected: ProgramPolicy[] = [];
    for (const policy of policies) {
      const rules = policy[direction];
      if (!rules || !applies(policy)) continue;
      selected.push({ policy, rules });
      staged ||= policy.staged;
    }
    if (selected.length > 0) applying.push({ name, defaultAction, policies: selected });
  }
  return { tiers: applying, staged };
}
