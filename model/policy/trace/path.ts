import { END_OF_TIER, type TraceAction } from './entry.js';

const ACTION_CODES: Readonly<Record<TraceAction, number>> = { allow: 0, deny: 1, pass: 2, unknown: 3 };

/** The next steps after a step: by policy, then by rule and action. */
type Continuations = Map<string, Map<number, TracePath>>;

/**
 * A trace as the path to its last step. Connections with the same steps share one path, so that traces can be compared and
 * used as map keys without building strings.
 */
export class TracePath {
  /** Entries in the form of Calico 3.32 and later: `index|tier|kind:namespace/name|action|rule`. */
  readonly entries: readonly string[];
  /** Whether a step was the end of a tier. */
  readonly endsTier: boolean;
  /** Policy and action of the last step; empty at the root. */
  readonly last: string;
  readonly #next: Continuations = new Map();

  private constructor(entries: readonly string[], endsTier: boolean, last: string) {
    this.entries = entries;
    this.endsTier = endsTier;
    this.last = last;
  }

  /** The trace without steps. */
  static root(): TracePath {
    return new TracePath([], false, '');
  }

  /** The trace with one more step; `place` is the policy as `tier|kind:namespace/name`. */
  then(place: string, action: TraceAction, rule: number): TracePath {
    let atPlace = this.#next.get(place);
    if (!atPlace) this.#next.set(place, (atPlace = new Map<number, TracePath>()));
    const code = rule * 4 + ACTION_CODES[action];
    let path = atPlace.get(code);
    if (!path) {
      const entry = `${this.entries.length}|${place}|${action}|${rule}`;
      path = new TracePath(
        [...this.entries, entry],
        this.endsTier || rule === END_OF_TIER,
        `${place}|${action}`,
      );
      atPlace.set(code, path);
    }
    return path;
  }
}
