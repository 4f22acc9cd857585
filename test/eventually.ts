import { setTimeout as delay } from 'node:timers/promises';

/** Calls `look` until it succeeds. @throws the last error of `look` after the deadline. */
export async function eventually<Result>(
  look: () => Result | Promise<Result>,
  deadlineMs = 60_000,
): Promise<Result> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(25);
    }
  }
}
