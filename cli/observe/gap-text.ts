import type { Gap } from './live-records.js';
import type { RecordKind } from '../client/records.js';

/** Live views show records that started at most this long before they were stored (docs/decisions/0008-live-views.md). */
const LATE_MS = 600_000;
/** A limit above what anybody would read. */
const LIMIT = 100_000;

const NOUN = { flows: 'flows', dns: 'lookups' } as const satisfies Record<RecordKind, string>;

/**
 * Describes the gap between two streams and how to list what was stored in it. The records are not fetched: they are
 * selected by when they started, so some would be missing or shown twice.
 */
export function gapText(kind: RecordKind, { fromMs, toMs }: Gap): string {
  const seconds = ((toMs - fromMs) / 1000).toFixed(1);
  const since = new Date(Math.floor((fromMs - LATE_MS) / 1000) * 1000);
  const until = new Date(Math.ceil(toMs / 1000) * 1000);
  return (
    `reconnected after ${seconds} s; ${NOUN[kind]} stored meanwhile are not shown. To list them, replace --follow ` +
    `with --since ${timeText(since)} --until ${timeText(until)} --limit ${LIMIT}`
  );
}

function timeText(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}
