import type { IdentityIndex } from './identity-index.js';
import { NOBODY } from './intervals.js';

/** A process that an owner runs on a node's network. */
export interface NodeProcess {
  readonly node: string;
  /** As {@link processName} gives it. */
  readonly name: string;
}

interface Run {
  readonly owner: number;
  readonly fromMs: number;
  toMs: number;
}

/** The kernel keeps so many bytes of a process's name (TASK_COMM_LEN less the final zero, include/linux/sched.h). */
const MAX_NAME_BYTES = 15;

/** A process's name in the form that names are compared in: cut off as the kernel does, `_` and `-` as one. */
export function processName(text: string): string {
  return text.slice(0, MAX_NAME_BYTES).replaceAll('_', '-').toLowerCase();
}

/**
 * Which pods on a node's network ran a process of a name when. Owners are numbers of the identity index. Where two
 * pods of a node did at the same time, nothing is said.
 */
export class ProcessIndex {
  readonly #identities: IdentityIndex;
  readonly #runs = new Map<string, Run[]>();

  constructor(identities: IdentityIndex) {
    this.#identities = identities;
  }

  assign({ node, name }: NodeProcess, owner: number, fromMs: number): void {
    const key = keyOf(node, name);
    const runs = this.#runs.get(key) ?? [];
    runs.push({ owner, fromMs, toMs: Infinity });
    this.#runs.set(key, runs);
    this.#identities.use(owner);
  }

  release({ node, name }: NodeProcess, owner: number, toMs: number): void {
    for (const run of this.#runs.get(keyOf(node, name)) ?? []) {
      if (run.owner === owner) run.toMs = Math.min(run.toMs, toMs);
    }
  }

  /** The number of the one pod that ran a process of the name at `timeMs`; 0 if none is known to have, or several. */
  lookup(node: string, process: string, timeMs: number): number {
    let sole = NOBODY;
    for (const { owner, fromMs, toMs } of this.#runs.get(keyOf(node, processName(process))) ?? []) {
      if (timeMs < fromMs || timeMs >= toMs) continue;
      if (sole !== NOBODY) return NOBODY;
      sole = owner;
    }
    return sole;
  }

  /** Forgets what had ended by `beforeMs`. */
  forget(beforeMs: number): void {
    for (const [key, runs] of this.#runs) {
      const kept = runs.filter(({ toMs }) => toMs > beforeMs);
      for (const run of runs) if (run.toMs <= beforeMs) this.#identities.unuse(run.owner);
      if (kept.length > 0) this.#runs.set(key, kept);
      else this.#runs.delete(key);
    }
  }
}

function keyOf(node: string, name: string): string {
  return `${node}/${name}`;
}
