import { setTimeout as delay } from 'node:timers/promises';

/** Looks again and again until `look` gives something, or throws what it said last when time is up. */
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
