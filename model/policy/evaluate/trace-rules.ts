import { END_OF_TIER, PROFILE_TIER, UNKNOWN_RULE } from '../trace/entry.js';
import type { TracePath } from '../trace/path.js';
import { NO, UNCERTAIN, matchRule, type Knowledge, type Connection } from './match.js';
import type { Program, ProgramPolicy, ProgramTier } from './program.js';

/** Which policies are evaluated: the enforced ones, or also staged ones as if they were enforced. */
export type Scope = 'enforced' | 'pending';

export type Verdict = 'allow' | 'deny' | 'unknown';

export interface Outcome {
  readonly verdict: Verdict;
  /** The trace; its last step decides the verdict. */
  readonly path: TracePath;
  readonly notes: readonly string[];
}

const NONE: readonly string[] = [];

/** Sets of final actions, as bits. */
const ALLOW = 1;
const DENY = 2;

/**
 * Evaluates a connection against a program. In each tier, policies and their rules are evaluated in order: allow and deny
 * are final, log continues, pass leaves the tier. If no rule matches, the tier's default action applies. After the last
 * tier, profiles decide; if none does, the connection is denied.
 *
 * Where it is undecided whether a rule matches, both branches are followed: if all end with the same verdict, that is the
 * verdict; otherwise it is unknown, and the trace ends at the first undecided rule.
 */
export function traceRules(
  program: Program,
  scope: Scope,
  packet: Connection,
  knowledge: Knowledge,
  root: TracePath,
): Outcome {
  return new RuleTracer(program, scope, packet, knowledge, root, []).outcome();
}

class RuleTracer {
  readonly #program: Program;
  readonly #scope: Scope;
  readonly #packet: Connection;
  readonly #knowledge: Knowledge;
  #path: TracePath;
  readonly #notes: string[] = [];
  /** The final actions of the undecided rules so far, as if they had matched. */
  #otherwise = 0;
  /** The trace up to and including the first undecided rule. */
  #firstOpen: TracePath | undefined;
  /** The possible final actions from each tier on, once computed; shared by the tracers of one connection. */
  readonly #endsFrom: (number | undefined)[];

  constructor(
    program: Program,
    scope: Scope,
    packet: Connection,
    knowledge: Knowledge,
    root: TracePath,
    endsFrom: (number | undefined)[],
  ) {
    this.#path = root;
    this.#endsFrom = endsFrom;
    this.#program = program;
    this.#scope = scope;
    this.#packet = packet;
    this.#knowledge = knowledge;
  }

  outcome(): Outcome {
    for (const policy of this.#program.notEvaluated) {
      if (policy.staged && this.#scope === 'enforced') continue;
      this.#open(policy.tracePrefix, ALLOW | DENY);
      this.#notes.push(
        `${policy.reference}: ${policy.host === 'preDnat' ? 'preDNAT' : 'doNotTrack'} policies are not evaluated`,
      );
    }
    const end = this.#from(0) | this.#otherwise;
    const notes = this.#notes.length > 0 ? [...new Set(this.#notes)] : NONE;
    if (end === ALLOW) return { verdict: 'allow', path: this.#path, notes };
    if (end === DENY) return { verdict: 'deny', path: this.#path, notes };
    return { verdict: 'unknown', path: this.#firstOpen ?? this.#path, notes };
  }

  /** Evaluates the tiers from `first` on; returns the final action. */
  #from(first: number): number {
    const { tiers } = this.#program;
    for (let at = first; at < tiers.length; at++) {
      const tier = tiers[at];
      const end = tier ? this.#tier(tier, at) : 0;
      if (end !== 0) return end;
    }
    return this.#profiles();
  }

  /** Evaluates one tier; returns 0 if it passes. */
  #tier({ policies, defaultAction }: ProgramTier, at: number): number {
    let atEnd: ProgramPolicy | undefined;
    for (let index = 0; index < policies.length; index++) {
      const applying = policies[index];
      if (!applying) continue;
      const { policy, rules } = applying;
      if (policy.staged && this.#scope === 'enforced') continue;
      // By convention the trace names the last enforced, but the first pending policy for the end of a tier.
      if (atEnd === undefined || this.#scope === 'enforced') atEnd = applying;
      for (let number = 0; number < rules.length; number++) {
        const rule = rules[number];
        if (!rule || rule.action === 'log') continue;
        const match = matchRule(rule, this.#packet, this.#knowledge);
        if (match === NO) continue;
        if (match === UNCERTAIN) {
          this.#openRule(applying, number, at);
          continue;
        }
        this.#path = this.#path.then(policy.tracePrefix, rule.action, number);
        if (policy.tiesUndefined) this.#noteTies(policies, index, rule.action);
        return rule.action === 'pass' ? 0 : rule.action === 'allow' ? ALLOW : DENY;
      }
    }
    if (!atEnd) return 0;
    this.#path = this.#path.then(atEnd.policy.tracePrefix, defaultAction, END_OF_TIER);
    return defaultAction === 'pass' ? 0 : DENY;
  }

  #profiles(): number {
    for (const { name, place, rules } of this.#program.profiles) {
      if (!rules) this.#notes.push(`profile ${name} does not exist`);
      for (const [number, rule] of (rules ?? []).entries()) {
        if (rule.action === 'log') continue;
        const match = matchRule(rule, this.#packet, this.#knowledge);
        if (match === NO) continue;
        const action = rule.action === 'allow' ? 'allow' : 'deny';
        if (match === UNCERTAIN) {
          this.#noteOpen(`pro:${name}`, rule.origin.index);
          this.#open(place, action === 'allow' ? ALLOW : DENY);
          continue;
        }
        this.#path = this.#path.then(place, action, number);
        return action === 'allow' ? ALLOW : DENY;
      }
    }
    this.#path = this.#path.then(`${PROFILE_TIER}|pro:${PROFILE_TIER}`, 'deny', END_OF_TIER);
    return DENY;
  }

  #openRule({ policy, rules }: ProgramPolicy, number: number, at: number): void {
    const rule = rules[number];
    if (!rule) return;
    this.#noteOpen(policy.reference, rule.origin.index);
    const end = rule.action === 'allow' ? ALLOW : rule.action === 'deny' ? DENY : this.#endFrom(at + 1);
    this.#open(policy.tracePrefix, end);
  }

  #noteOpen(policy: string, rule: number): void {
    const { direction } = this.#program;
    this.#notes.push(
      `whether ${policy} ${direction}[${rule}] matches is undecided: ${this.#packet.uncertainReason}`,
    );
  }

  #open(place: string, otherwise: number): void {
    this.#otherwise |= otherwise;
    if (this.#path.last !== `${place}|unknown`) this.#path = this.#path.then(place, 'unknown', UNKNOWN_RULE);
    this.#firstOpen ??= this.#path;
  }

  /** The possible final actions from a tier on, without adding to this trace. */
  #endFrom(at: number): number {
    let end = this.#endsFrom[at];
    if (end === undefined) {
      const aside = new RuleTracer(
        this.#program,
        this.#scope,
        this.#packet,
        this.#knowledge,
        this.#path,
        this.#endsFrom,
      );
      end = aside.#from(at) | aside.#otherwise;
      this.#endsFrom[at] = end;
    }
    return end;
  }

  /** Policies of equal priority have an undefined order: adds a note if another one would act differently. */
  #noteTies(policies: readonly ProgramPolicy[], index: number, action: string): void {
    const decided = policies[index]?.policy;
    for (const { policy, rules } of policies.slice(index + 1)) {
      if (policy.order !== decided?.order) return;
      const first = rules.find((rule) => matchRule(rule, this.#packet, this.#knowledge) !== NO);
      if (first && first.action !== action) {
        this.#notes.push(
          `ambiguous: ${decided.reference} and ${policy.reference} have equal priority ${policy.order} and act differently`,
        );
      }
    }
  }
}
