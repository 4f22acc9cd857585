/** Returns numbers in [0, 1), the same sequence in every run. */
export type RandomNumbers = () => number;

/** A linear congruential generator (constants of Numerical Recipes). */
export function randomNumbers(seed: number): RandomNumbers {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** An integer in [0, limit). */
export function below(limit: number, random: RandomNumbers): number {
  return Math.floor(random() * limit);
}

export function choose<Item>(items: readonly Item[], random: RandomNumbers): Item {
  // The index is below the length, which is never 0 here.
  return items[below(items.length, random)] as Item;
}

/**
 * Chooses ranks in [0, ranks) by Zipf's law: rank r has the weight 1 / (r + flatness).
 */
export function zipf(ranks: number, flatness: number, random: RandomNumbers): () => number {
  let total = 0;
  const cumulative = Float64Array.from({ length: ranks }, (_, rank) => (total += 1 / (rank + flatness)));
  return () => {
    const wanted = random() * total;
    let low = 0;
    let high = ranks - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
