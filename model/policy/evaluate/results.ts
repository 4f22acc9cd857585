import type { Outcome, Verdict } from './trace-rules.js';
import type { TracePath } from '../trace/path.js';

/** The result for one direction. */
export interface DirectionResult {
  readonly verdict: Verdict;
  /** Entries in the form of Calico 3.32 and later. */
  readonly trace: readonly string[];
}

/** The result for a connection under one view of the policies. */
export interface ConnectionResult {
  readonly verdict: Verdict;
  /** At the client. */
  readonly egress: DirectionResult;
  /** At the server. */
  readonly ingress: DirectionResult;
  /** The trace of both directions, egress first, as in the flow record. */
  readonly policies: string;
}

/** The result for a connection: with the enforced policies, and as if staged policies were enforced. */
export interface PolicyResult extends ConnectionResult {
  readonly pending: ConnectionResult;
  /** What could not be evaluated, and the reason. */
  readonly notes: readonly string[];
}

/** The outcomes of one view. */
export interface Outcomes {
  readonly egress: Outcome;
  readonly ingress: Outcome;
}

interface NotedDirection extends DirectionResult {
  readonly notes: readonly string[];
}

const VERDICTS: readonly Verdict[] = ['allow', 'deny', 'unknown'];

/** Words of a result: the numbers of its directions, egress and ingress, enforced and pending. */
const WORDS = 4;

/**
 * Results by number: equal results have one number, so that a column of flows needs one small number per row. Outcomes of
 * single directions are few and stored as strings; their many combinations are stored as numbers.
 */
export class ResultTable {
  readonly #directions: NotedDirection[] = [];
  /** Directions without notes, whose trace determines the verdict. */
  readonly #plain = new Map<TracePath, number>();
  readonly #noted = new Map<string, number>();
  #words = new Int32Array(1024 * WORDS);
  /** The enforced verdict of each number, as an index into {@link VERDICTS}. */
  #verdicts = new Uint8Array(1024);
  #size = 0;
  readonly #pairs = new Map<number, number>();
  readonly #numbers = new Map<number, number>();

  get size(): number {
    return this.#size;
  }

  /** The enforced verdict of a number. */
  verdict(number: number): Verdict {
    this.#at(number);
    return VERDICTS[this.#verdicts[number] ?? 0] ?? 'unknown';
  }

  /** Whether the enforced trace of a number is not empty. */
  hasTrace(number: number): boolean {
    const at = this.#at(number);
    return this.#direction(at).trace.length > 0 || this.#direction(at + 1).trace.length > 0;
  }

  /** The result of a number; a new object each time. */
  get(number: number): PolicyResult {
    const at = this.#at(number);
    const [egress, ingress] = [this.#direction(at), this.#direction(at + 1)];
    const [pendingEgress, pendingIngress] = [this.#direction(at + 2), this.#direction(at + 3)];
    const notes = [egress, ingress, pendingEgress, pendingIngress].flatMap((direction) => direction.notes);
    return {
      ...connectionResult(egress, ingress),
      pending: connectionResult(pendingEgress, pendingIngress),
      notes: [...new Set(notes)],
    };
  }

  intern(enforced: Outcomes, pending: Outcomes): number {
    const egress = this.#internDirection(enforced.egress);
    const ingress = this.#internDirection(enforced.ingress);
    const same = enforced.egress === pending.egress && enforced.ingress === pending.ingress;
    const pendingEgress = same ? egress : this.#internDirection(pending.egress);
    const pendingIngress = same ? ingress : this.#internDirection(pending.ingress);
    const pair = this.#internPair(egress, ingress);
    const key = joined(pair, same ? pair : this.#internPair(pendingEgress, pendingIngress));
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#size++;
    this.#numbers.set(key, number);
    if (number * WORDS >= this.#words.length) this.#words = enlarged(this.#words, Int32Array);
    this.#words.set([egress, ingress, pendingEgress, pendingIngress], number * WORDS);
    if (number >= this.#verdicts.length) this.#verdicts = enlarged(this.#verdicts, Uint8Array);
    this.#verdicts[number] = VERDICTS.indexOf(both(enforced.egress.verdict, enforced.ingress.verdict));
    return number;
  }

  #at(number: number): number {
    if (number >= 0 && number < this.#size) return number * WORDS;
    throw new RangeError(`there is no result ${number}; the evaluator may have been trimmed`);
  }

  #internPair(egress: number, ingress: number): number {
    const key = joined(egress, ingress);
    let pair = this.#pairs.get(key);
    if (pair === undefined) this.#pairs.set(key, (pair = this.#pairs.size));
    return pair;
  }

  #internDirection({ verdict, path, notes }: Outcome): number {
    const known =
      notes.length === 0 ? this.#plain.get(path) : this.#noted.get(notedKey(path, verdict, notes));
    if (known !== undefined && this.#directions[known]?.verdict === verdict) return known;
    const number = this.#directions.push({ verdict, trace: path.entries, notes }) - 1;
    if (notes.length === 0) this.#plain.set(path, number);
    else this.#noted.set(notedKey(path, verdict, notes), number);
    return number;
  }

  #direction(word: number): NotedDirection {
    const direction = this.#directions[this.#words[word] ?? -1];
    if (!direction) throw new Error('a result refers to directions that were interned before it');
    return direction;
  }
}

/** Two numbers below 2^26 as one key. */
function joined(a: number, b: number): number {
  return a * 0x4000000 + b;
}

function notedKey(path: TracePath, verdict: Verdict, notes: readonly string[]): string {
  return [verdict, ...path.entries, ...notes].join('\n');
}

function enlarged<Column extends { readonly length: number; set(from: Column): void }>(
  column: Column,
  make: new (length: number) => Column,
): Column {
  const larger = new make(column.length * 2);
  larger.set(column);
  return larger;
}

function connectionResult(egress: NotedDirection, ingress: NotedDirection): ConnectionResult {
  return {
    verdict: both(egress.verdict, ingress.verdict),
    egress: { verdict: egress.verdict, trace: egress.trace },
    ingress: { verdict: ingress.verdict, trace: ingress.trace },
    policies: [...egress.trace, ...ingress.trace].join(','),
  };
}

/** Both directions must allow; one that denies decides, even if the other is unknown. */
function both(egress: Verdict, ingress: Verdict): Verdict {
  if (egress === 'deny' || ingress === 'deny') return 'deny';
  return egress === 'unknown' || ingress === 'unknown' ? 'unknown' : 'allow';
}
