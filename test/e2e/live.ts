import { whyNotLive } from '@sonde/cli/up/probe-program';
import { whyUnavailable } from '@sonde/deploy/lab/unavailable';

/** Why tests on live traffic cannot run here; undefined if they can. Printed, so that a skip is never silent. */
export function whySkipLive(): string | undefined {
  const reason = whyNotLive() ?? whyUnavailable(['ip', 'nft', 'ping', 'ethtool', 'tcpdump']);
  if (reason !== undefined) console.warn(`skipped: ${reason}`);
  return reason;
}

/** Looks again and again until `look` gives something, or throws what it said last when time is up. */
export async function eventually<Result>(
  look: () => Result | Promise<Result>,
  deadlineMs = 20_000,
): Promise<Result> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
