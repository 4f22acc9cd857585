/** The conditions that keep a service from being ready. */
export class Readiness {
  readonly #problems = new Map<string, string>();
  readonly #checks = new Map<string, Check>();
  readonly #details = new Map<string, () => unknown>();

  /** Sets the problem of a component; `undefined` clears it. */
  set(component: string, problem: string | undefined): void {
    if (problem === undefined) this.#problems.delete(component);
    else this.#problems.set(component, problem);
  }

  /** Registers a check that runs on each readiness request. */
  check(component: string, check: Check): void {
    this.#checks.set(component, check);
  }

  /** Registers what `/readyz` shows of a component whether the service is ready or not, as JSON. */
  describe(component: string, details: () => unknown): void {
    this.#details.set(component, details);
  }

  /** The details of each component; undefined if there are none. */
  details(): Readonly<Record<string, unknown>> | undefined {
    if (this.#details.size === 0) return undefined;
    return Object.fromEntries([...this.#details].map(([component, details]) => [component, details()]));
  }

  /** All current problems; empty if the service is ready. */
  async problems(): Promise<string[]> {
    const checked = await Promise.all(
      [...this.#checks].map(async ([component, check]) => [component, await check()] as const),
    );
    return [...this.#problems, ...checked]
      .filter(([, problem]) => problem !== undefined)
      .map(([component, problem]) => `${component}: ${problem}`);
  }
}

/** Returns the problem, or undefined if there is none. */
type Check = () => string | undefined | Promise<string | undefined>;
