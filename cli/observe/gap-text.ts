import type { Gap } from './live-records.js';
import type { RecordKind } from './records.js';

/** Live views show what started at most so long before it was stored (docs/decisions/0008-live-views.md). */
const LATE_MS = 600_000;
/** More than a gap holds that anybody would read. */
const ENOUGH = 100_000;

const NOUN = { flows: 'flows', dns: 'lookups' } as const satisfies Record<RecordKind, string>;

/**
 * What to tell of a gap between two streams, and how to see what was stored meanwhile. It is not fetched in their place:
 * records are asked for by when they started, so that some would be missing, or shown twice.
 */
export function gapText(kind: RecordKind, { fromMs, toMs }: Gap): string {
  const seconds = ((toMs - fromMs) / 1000).toFixed(1);
  const from = new Date(Math.floor((fromMs - LATE_MS) / 1000) * 1000);
  const to = new Date(Math.ceil(toMs / 1000) * 1000);
  return (
    `reconnected after ${seconds} s; ${NOUN[kind]} stored meanwhile are not shown. Among others, the same command ` +
    `with --from ${timeText(from)} --to ${timeText(to)} --limit ${ENOUGH} in place of --follow shows them`
  );
}

function timeText(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}
