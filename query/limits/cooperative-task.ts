import { setImmediate as yieldToEventLoop } from 'node:timers/promises';

/**
 * Runs a task that yields regularly, and returns to the event loop at each yield.
 * @throws the signal's reason once it aborts.
 */
export async function runCooperatively<Result>(
  task: Generator<undefined, Result>,
  signal: AbortSignal,
): Promise<Result> {
  for (;;) {
    await yieldToEventLoop();
    signal.throwIfAborted();
    const step = task.next();
    if (step.done === true) return step.value;
  }
}

/** Number of items that {@link mapTask} converts between two yields. */
const ITEMS_PER_STEP = 50;

/** A task that maps an array. */
export function* mapTask<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Result,
): Generator<undefined, Result[]> {
  const results: Result[] = [];
  for (const item of items) {
    results.push(map(item));
    if (results.length % ITEMS_PER_STEP === 0) yield;
  }
  return results;
}
