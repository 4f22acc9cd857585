import { randomNumbers, type RandomNumbers } from './random.js';

/** Random choices that are the same in every run with the same seed. */
export class Random {
  readonly #next: RandomNumbers;

  constructor(seed: number) {
    this.#next = randomNumbers(scatter(seed));
  }

  /** True with this probability, from 0 to 1. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One item of a list. @throws Error if the list is empty. */
  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[this.below(items.length)] as Item;
  }

  /** Makes `min` to `max` items. */
  some<Item>(min: number, max: number, make: () => Item): Item[] {
    return Array.from({ length: this.integer(min, max) }, make);
  }

  /** The items in random order. */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const left = [...items];
    return items.map(() => left.splice(this.below(left.length), 1)).flat();
  }
}

/** Spreads consecutive seeds over all states, because the generator begins alike for seeds that are close (MurmurHash3). */
function scatter(seed: number): number {
  let mixed = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
