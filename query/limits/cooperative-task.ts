import { setImmediate as yieldToEventLoop } from 'node:timers/promises';

/**
 * Does work that pauses now and then, and lets others have their turn at each pause.
 * @throws the reason of `left`, once nobody waits for the result any more.
 */
export async function runCooperatively<Result>(
  work: Generator<undefined, Result>,
  signal: AbortSignal,
): Promise<Result> {
  for (;;) {
    await yieldToEventLoop();
    signal.throwIfAborted();
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
