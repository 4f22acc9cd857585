import type { Flow } from '../records/flow.js';

/** One step of a trace: a policy, or the end of a tier or profile, that was consulted and what it did. */
export interface TraceStep {
  readonly tier: string;
  /** The policy's reference in traces, for example `np:storefront/default.web`. */
  readonly policy: string;
  readonly action: string;
  /** Index of the rule that matched; -1 if none did and the end of the tier decided. */
  readonly rule: number;
}

/** The steps at one side: egress policies of the client, or ingress policies of the server. */
export interface SideTrace {
  readonly direction: 'egress' | 'ingress';
  readonly steps: readonly TraceStep[];
}

/**
 * Reads the trace of a flow record: `order|tier|policy|action|rule` steps, comma-separated, egress at the client
 * before ingress at the server (docs/policies.md). A step that allows or denies ends the steps of a side.
 */
export function readTrace(trace: string, flow: Pick<Flow, 'src_kind' | 'dst_kind'>): SideTrace[] {
  const sides: TraceStep[][] = [];
  let isOpen = false;
  for (const text of trace.split(',').filter((part) => part !== '')) {
    const [, tier = '', policy = '', action = '', rule = ''] = text.split('|');
    if (!isOpen) sides.push([]);
    sides.at(-1)?.push({ tier, policy, action, rule: Number(rule) });
    isOpen = action === 'pass';
  }
  const [first, second] = sides;
  if (first && second) {
    return [
      { direction: 'egress', steps: first },
      { direction: 'ingress', steps: second },
    ];
  }
  // Only pods have policies: with one side, it is the side of the pod.
  if (!first) return [];
  return [{ direction: flow.src_kind === 'pod' ? 'egress' : 'ingress', steps: first }];
}

/** The steps of one direction as `POST /policies/evaluate` gives them. */
export function readSteps(trace: readonly string[]): TraceStep[] {
  return trace.map((text) => {
    const [, tier = '', policy = '', action = '', rule = ''] = text.split('|');
    return { tier, policy, action, rule: Number(rule) };
  });
}

/** The step that decided: the first that denied, else the last. */
export function decidingStep(
  sides: readonly SideTrace[],
): (TraceStep & { readonly direction: string }) | undefined {
  const steps = sides.flatMap(({ direction, steps }) => steps.map((step) => ({ ...step, direction })));
  return steps.find(({ action }) => action === 'deny') ?? steps.at(-1);
}

/** A policy's name without its kind: `storefront/default.web`. */
export function policyName(reference: string): string {
  return reference.replace(/^\w+:/, '');
}

/** A step in words: `denied by security.pci-boundary, rule 1`. */
export function describeStep({ action, policy, rule }: TraceStep): string {
  const verb = { allow: 'allowed', deny: 'denied', pass: 'passed' }[action] ?? action;
  return `${verb} by ${policyName(policy)}, ${rule < 0 ? 'no rule matched (end of tier)' : `rule ${rule}`}`;
}
