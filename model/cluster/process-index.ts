import type { IdentityIndex } from './identity-index.js';
import { NOBODY } from './intervals.js';

/** A process on a node's network. */
export interface NodeProcess {
  readonly node: string;
  /** As returned by {@link processName}. */
  readonly name: string;
}

interface Run {
  readonly owner: number;
  readonly fromMs: number;
  toMs: number;
}

/** Length of process names in the kernel (TASK_COMM_LEN without the final zero, include/linux/sched.h). */
const MAX_NAME_BYTES = 15;

/** Normalizes the name of a process: truncated as by the kernel, in lower case, with `-` for `_`. */
export function processName(text: string): string {
  return text.slice(0, MAX_NAME_BYTES).replaceAll('_', '-').toLowerCase();
}

/**
 * The pods on a node's network by the names of their processes over time. Owners are numbers of the identity index. A name that
 * two pods of a node have at the same time identifies neither.
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

  /** The only pod with a process of the name at `timeMs`; 0 if there is none or several. */
  lookup(node: string, process: string, timeMs: number): number {
    let sole = NOBODY;
    for (const { owner, fromMs, toMs } of this.#runs.get(keyOf(node, processName(process))) ?? []) {
      if (timeMs < fromMs || timeMs >= toMs) continue;
      if (sole !== NOBODY) return NOBODY;
      sole = owner;
    }
    return sole;
  }

  /** Removes the processes that ended by `beforeMs`. */
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
