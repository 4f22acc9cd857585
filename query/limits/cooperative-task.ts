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
