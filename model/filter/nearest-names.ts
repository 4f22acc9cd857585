/** The names most similar to `given`: up to three, the most similar first. */
export function nearestNames(given: string, names: readonly string[]): string[] {
  // Longer names are not typing errors, and the comparison is quadratic in their length.
  if (given.length < 2 || given.length > 64) return [];
  const wanted = given.toLowerCase();
  return names
    .map((name) => ({ name, lower: name.toLowerCase() }))
    .map(({ name, lower }) => ({ name, lower, distance: editDistance(wanted, lower) }))
    .filter(({ lower, distance }) => distance <= 2 || lower.includes(wanted))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** The Levenshtein distance of two words. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[b.length] ?? 0;
}
