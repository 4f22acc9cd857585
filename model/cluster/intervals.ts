/** Columns of an interval's row. */
const FROM = 0;
const SURE = 1;
const TO = 2;
const OWNER = 3;
const WIDTH = 4;

/** The owner of a thing without a known owner. */
export const NOBODY = 0;

/**
 * Owners of many things over time: a thing (a number from 0) belongs to an owner (a number above
 * {@link NOBODY}) for an interval [from, to). All times are in ms.
 *
 * The start of an interval is often known only as a range: not before `from`, and not after `sure`. Between the two,
 * the former owner takes precedence if its interval has not ended; from `sure` on, the newer owner does, whether the
 * end of the former one is known or not. Events may come in any order. If two intervals overlap, the thing
 * returns to the earlier owner when the later interval ends.
 *
 * Lookups are allocation-free: each thing has a chain of intervals, latest start first, in flat arrays.
 */
export class Intervals {
  /** The interval of each thing with the latest start; -1 for none. */
  #latest: Int32Array<ArrayBuffer> = new Int32Array(1024).fill(-1);
  /** {@link FROM}, {@link SURE}, {@link TO} and {@link OWNER} of each interval, in one cache line. */
  #rows: Float64Array<ArrayBuffer> = new Float64Array(1024 * WIDTH);
  /** The interval of the same thing that starts before this one; of a freed interval, the next freed one. */
  #earlier: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #used = 0;
  #freed = -1;
  #size = 0;

  /** Number of intervals. */
  get size(): number {
    return this.#size;
  }

  /**
   * Starts an interval of `owner` between `fromMs` and `sureMs`. If the owner has the thing already, only an earlier
   * start has an effect. Returns whether an interval was added.
   */
  assign(thing: number, owner: number, fromMs: number, sureMs = fromMs): boolean {
    while (thing >= this.#latest.length) this.#latest = enlarged(this.#latest, Int32Array, -1);
    const held = this.#intervalOf(thing, owner);
    if (held >= 0 && (this.#rows[held * WIDTH + TO] ?? 0) === Infinity) {
      if ((this.#rows[held * WIDTH + FROM] ?? 0) <= fromMs) {
        this.#rows[held * WIDTH + SURE] = Math.min(this.#rows[held * WIDTH + SURE] ?? 0, sureMs);
        return false;
      }
      this.#unlink(thing, held);
      this.#link(thing, held, owner, fromMs, Math.min(this.#rows[held * WIDTH + SURE] ?? 0, sureMs));
      return false;
    }
    this.#link(thing, this.#allocate(), owner, fromMs, sureMs);
    this.#size++;
    return true;
  }

  /** Ends the interval of `owner` at `toMs`, unless it ended before. */
  release(thing: number, owner: number, toMs: number): void {
    const interval = this.#intervalOf(thing, owner);
    if (interval >= 0 && (this.#rows[interval * WIDTH + TO] ?? 0) > toMs)
      this.#rows[interval * WIDTH + TO] = toMs;
  }

  /** The owner of the thing at a time; {@link NOBODY} if there is none. */
  lookup(thing: number, timeMs: number): number {
    const rows = this.#rows;
    let tentative = NOBODY;
    for (let at = this.#latest[thing] ?? -1; at >= 0; at = this.#earlier[at] ?? -1) {
      if (timeMs < (rows[at * WIDTH + FROM] ?? 0) || timeMs >= (rows[at * WIDTH + TO] ?? 0)) continue;
      if (timeMs >= (rows[at * WIDTH + SURE] ?? 0)) return rows[at * WIDTH + OWNER] ?? NOBODY;
      if (tentative === NOBODY) tentative = rows[at * WIDTH + OWNER] ?? NOBODY;
    }
    return tentative;
  }

  /** Whether a thing has intervals. */
  isKnown(thing: number): boolean {
    return (this.#latest[thing] ?? -1) >= 0;
  }

  /** Drops the intervals that ended by `beforeMs`; calls back with the owner of each. */
  forget(things: number, beforeMs: number, onForgotten: (owner: number) => void): void {
    for (let thing = 0; thing < things; thing++) {
      let later = -1;
      for (let at = this.#latest[thing] ?? -1; at >= 0;) {
        const earlier = this.#earlier[at] ?? -1;
        if ((this.#rows[at * WIDTH + TO] ?? 0) <= beforeMs) {
          if (later < 0) this.#latest[thing] = earlier;
          else this.#earlier[later] = earlier;
          onForgotten(this.#rows[at * WIDTH + OWNER] ?? NOBODY);
          this.#free(at);
        } else later = at;
        at = earlier;
      }
    }
  }

  /** Renumbers things: each thing of `kept` gets its index as the number. */
  renumber(kept: Uint32Array): void {
    const latest = new Int32Array(Math.max(1024, kept.length * 2)).fill(-1);
    for (const [number, thing] of kept.entries()) latest[number] = this.#latest[thing] ?? -1;
    this.#latest = latest;
  }

  /** The latest interval of a thing that belongs to an owner, or -1. */
  #intervalOf(thing: number, owner: number): number {
    let at = this.#latest[thing] ?? -1;
    while (at >= 0 && this.#rows[at * WIDTH + OWNER] !== owner) at = this.#earlier[at] ?? -1;
    return at;
  }

  #link(thing: number, interval: number, owner: number, fromMs: number, sureMs: number): void {
    let later = -1;
    let earlier = this.#latest[thing] ?? -1;
    while (earlier >= 0 && (this.#rows[earlier * WIDTH + FROM] ?? 0) > fromMs) {
      later = earlier;
      earlier = this.#earlier[earlier] ?? -1;
    }
    this.#rows[interval * WIDTH + FROM] = fromMs;
    this.#rows[interval * WIDTH + SURE] = sureMs;
    this.#rows[interval * WIDTH + TO] = Infinity;
    this.#rows[interval * WIDTH + OWNER] = owner;
    this.#earlier[interval] = earlier;
    if (later < 0) this.#latest[thing] = interval;
    else this.#earlier[later] = interval;
  }

  #unlink(thing: number, interval: number): void {
    const earlier = this.#earlier[interval] ?? -1;
    if (this.#latest[thing] === interval) {
      this.#latest[thing] = earlier;
      return;
    }
    let later = this.#latest[thing] ?? -1;
    while (later >= 0 && this.#earlier[later] !== interval) later = this.#earlier[later] ?? -1;
    if (later >= 0) this.#earlier[later] = earlier;
  }

  #allocate(): number {
    if (this.#freed >= 0) {
      const interval = this.#freed;
      this.#freed = this.#earlier[interval] ?? -1;
      return interval;
    }
    const interval = this.#used++;
    if (interval >= this.#earlier.length) {
      this.#rows = enlarged(this.#rows, Float64Array, 0);
      this.#earlier = enlarged(this.#earlier, Int32Array, -1);
    }
    return interval;
  }

  #free(interval: number): void {
    this.#earlier[interval] = this.#freed;
    this.#freed = interval;
    this.#size--;
  }
}

function enlarged<Column extends { length: number; set(from: Column): void; fill(value: number): Column }>(
  column: Column,
  make: new (length: number) => Column,
  filler: number,
): Column {
  const larger = new make(column.length * 2).fill(filler);
  larger.set(column);
  return larger;
}
