import type { CompiledPolicy } from './compile/compiled-policy.js';
import type { Endpoint } from './endpoint/endpoints.js';
import type { Host } from './endpoint/entities.js';
import type { Workload } from './endpoint/workloads.js';
import { appliesTo } from './evaluate/match.js';
import { hostProgram, workloadProgram, type Direction, type Program } from './evaluate/program.js';
import type { CompiledPolicies } from './compiled-policies.js';

/** A workload or host endpoint with its programs and its identities. */
interface Subject {
  readonly workload: Workload | undefined;
  readonly host: Host | undefined;
  egress: Program | undefined;
  ingress: Program | undefined;
  readonly identities: number[];
}

/**
 * Which policies apply to which endpoints. Programs are built on first use. A policy change discards the programs of
 * the endpoints that it selects or selected, and advances the epochs of their identities.
 */
export class ProgramIndex {
  readonly #policies: CompiledPolicies;
  readonly #subjects = new Map<Workload | Host, Subject>();
  readonly #ofIdentity: (Subject | undefined)[] = [];
  #epochs = new Int32Array(1024);

  constructor(policies: CompiledPolicies) {
    this.#policies = policies;
  }

  /** The current epoch of every identity: results from earlier epochs are invalid. */
  get epochs(): Int32Array {
    return this.#epochs;
  }

  /** Adds an identity. Identities are numbered from 0 and must be added in order. */
  add({ id, workload, host }: Endpoint): void {
    if (id >= this.#epochs.length) {
      const larger = new Int32Array(this.#epochs.length * 2);
      larger.set(this.#epochs);
      this.#epochs = larger;
    }
    const governed = workload ?? host;
    if (!governed) {
      this.#ofIdentity[id] = undefined;
      return;
    }
    let subject = this.#subjects.get(governed);
    if (!subject) {
      subject = { workload, host, egress: undefined, ingress: undefined, identities: [] };
      this.#subjects.set(governed, subject);
    }
    subject.identities.push(id);
    this.#ofIdentity[id] = subject;
  }

  /** The program of an endpoint's traffic; undefined if no policy governs it. */
  readonly programOf = ({ id }: Endpoint, direction: Direction): Program | undefined => {
    const subject = this.#ofIdentity[id];
    if (!subject) return undefined;
    return (subject[direction] ??= this.#build(subject, direction));
  };

  /** Must be called when policies change. Endpoints that none of them selects keep their programs. */
  policiesChanged(changed: readonly CompiledPolicy[]): void {
    for (const subject of this.#subjects.values()) {
      const { workload, host } = subject;
      if (changed.some((policy) => appliesTo(policy.subject, workload, host))) this.#drop(subject);
    }
  }

  /** Must be called when something changes that any endpoint may depend on. */
  allChanged(): void {
    for (const subject of this.#subjects.values()) this.#drop(subject);
    // Endpoints that no policy governs have no program: their outcome cannot change.
  }

  #drop(subject: Subject): void {
    subject.egress = undefined;
    subject.ingress = undefined;
    for (const id of subject.identities) this.#epochs[id] = ((this.#epochs[id] ?? 0) + 1) | 0;
  }

  #build({ workload, host }: Subject, direction: Direction): Program | undefined {
    const tiers = this.#policies.tiersOf(workload?.namespace);
    if (workload) return workloadProgram(tiers, workload, direction);
    return host && hostProgram(tiers, host, direction, this.#policies.profileRules);
  }
}
