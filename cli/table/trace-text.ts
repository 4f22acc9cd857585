import {
  END_OF_TIER,
  PROFILE_TIER,
  TRACE_KINDS,
  type TraceAction,
  type TraceEntry,
  UNKNOWN_RULE,
} from '@sonde/model/policy/trace/entry';
import { readTrace, TraceError } from '@sonde/model/policy/trace/read';

const ACTIONS: Readonly<Record<TraceAction, string>> = {
  allow: 'allowed by',
  deny: 'denied by',
  pass: 'passed by',
  unknown: 'undecided at',
};

/** The steps of one direction's trace in words, in the order of evaluation. */
export function traceTexts(trace: readonly string[]): string[] {
  return readTrace(trace).map(stepText);
}

/** A step in words: `denied by security.pci-boundary, rule 1`. Rules count from 0, as in the trace. */
export function stepText(step: TraceEntry): string {
  return `${ACTIONS[step.action]} ${policyText(step)}${ruleText(step)}`;
}

/** The step of a trace of both directions that decided: the one that denies, else the last one. */
export function decidingStep(trace: readonly string[]): TraceEntry | undefined {
  const steps = trace.length === 0 ? [] : readTrace(trace);
  return steps.find(({ action }) => action === 'deny') ?? steps.at(-1);
}

/** The policy that decided, of a comma-separated trace; empty if there is none. Unknown forms are returned as they are. */
export function decidingPolicy(trace: string): string {
  try {
    const step = decidingStep(trace === '' ? [] : trace.split(','));
    return step ? policyText(step) : '';
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    return trace;
  }
}

/** A policy as kubectl names it, with Calico's tier before its name: `security.pci-boundary`, `NetworkPolicy shop/api`. */
export function policyText({ tier, kind, namespace, name }: TraceEntry): string {
  const scope = namespace === '' ? '' : `${namespace}/`;
  switch (kind) {
    case 'pro':
      return `profile ${name}`;
    case 'np':
    case 'gnp':
    case 'snp':
    case 'sgnp':
      return `${kind.startsWith('s') ? 'staged ' : ''}${scope}${tier === PROFILE_TIER ? '' : `${tier}.`}${name}`;
    case 'unsupported':
    case 'unread':
      return `${name} (${TRACE_KINDS[kind]})`;
    default:
      return `${TRACE_KINDS[kind]} ${scope}${name}`;
  }
}

function ruleText({ kind, tier, rule, action }: TraceEntry): string {
  if (kind === 'pro' || kind === 'unsupported' || kind === 'unread') return '';
  if (rule === END_OF_TIER)
    return `: no rule matches, so tier ${tier} ${action === 'pass' ? 'passes' : 'denies'}`;
  if (rule === UNKNOWN_RULE) return ': unknown whether a rule matches';
  return `, rule ${rule}`;
}
