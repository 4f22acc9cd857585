/** Runs asynchronous tasks one at a time, in the order they were added. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a task after all earlier tasks have settled. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    // The caller handles the failure; later tasks still run.
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all tasks added so far have settled. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
