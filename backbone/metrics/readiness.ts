/** What a service still waits for, or what it does its work badly without. */
export class Readiness {
  readonly #problems = new Map<string, string>();

  /** Says that something is amiss, or with `undefined` that it is right again. */
  set(what: string, problem: string | undefined): void {
    if (problem === undefined) this.#problems.delete(what);
    else this.#problems.set(what, problem);
  }

  /** Everything that is amiss; none if the service does its work. */
  get problems(): string[] {
    return [...this.#problems].map(([what, problem]) => `${what}: ${problem}`);
  }
}
