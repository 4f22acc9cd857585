import { whyNotLive } from '@sonde/collector/probe/probe-program';
import { whyUnavailable } from '@sonde/deploy/lab/unavailable';

/** Why tests on live traffic cannot run here; undefined if they can. Printed, so that a skip is never silent. */
export function whySkipLive(): string | undefined {
  const reason = whyNotLive() ?? whyUnavailable(['ip', 'nft', 'ping', 'ethtool', 'tcpdump']);
  if (reason !== undefined) console.warn(`skipped: ${reason}`);
  return reason;
}
