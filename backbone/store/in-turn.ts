/** Runs tasks one after the other, in the order of their asking. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a task when those before it have ended, well or not. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    // Who asked for a task hears of its failure; those behind it have their turn.
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all tasks asked for so far have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
