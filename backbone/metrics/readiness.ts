/** What a service still waits for, or what it does its work badly without. */
export class Readiness {
  readonly #problems = new Map<string, string>();
  readonly #watched = new Map<string, Look>();

  /** Says that something is amiss, or with `undefined` that it is right again. */
  set(what: string, problem: string | undefined): void {
    if (problem === undefined) this.#problems.delete(what);
    else this.#problems.set(what, problem);
  }

  /** Looks for itself, whenever it is asked, whether something is amiss. */
  watch(what: string, look: Look): void {
    this.#watched.set(what, look);
  }

  /** Everything that is amiss; none if the service does its work. */
  async problems(): Promise<string[]> {
    const looked = await Promise.all(
      [...this.#watched].map(async ([what, look]) => [what, await look()] as const),
    );
    return [...this.#problems, ...looked]
      .filter(([, problem]) => problem !== undefined)
      .map(([what, problem]) => `${what}: ${problem}`);
  }
}

/** Says what is amiss, undefined if nothing is. */
type Look = () => string | undefined | Promise<string | undefined>;
