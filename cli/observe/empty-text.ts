import type { ApiClient } from '../client/api-client.js';
import type { RecordKind } from '../client/records.js';

/** A query that found nothing, in the form of the API. */
export interface EmptyQuery {
  readonly from: string;
  readonly to: string;
  readonly filter: string;
  /** Whether the user asked for some records only. */
  readonly isFiltered: boolean;
}

const NOUN = { flows: 'flows', dns: 'DNS lookups' } as const satisfies Record<RecordKind, string>;

/** How far to look for the nearest records; servers refuse more than 92 days. */
const SEARCH = '-13w';

/** What to tell about an empty answer: its time range, and where the nearest matching records are. */
export async function emptyText(client: ApiClient, kind: RecordKind, query: EmptyQuery): Promise<string> {
  const { from, to, isFiltered } = query;
  const noun = NOUN[kind];
  const range = `No ${noun}${isFiltered ? ' match' : ''} since ${agoText(from)}${to === 'now' ? '' : ` until ${agoText(to)}`}.`;
  const latest = await latestRange(client, kind, query.filter);
  if (latest)
    return `${range} The latest ${isFiltered ? 'matching ' : ''}one started at ${latest}; --since reaches back to it.`;
  if (!isFiltered) return `${range} No ${noun} of the last 13 weeks are stored.`;
  const any = await latestRange(client, kind, '');
  return any
    ? `${range} None of the last 13 weeks match; the latest of all ${noun} started at ${any}.`
    : `${range} No ${noun} of the last 13 weeks are stored.`;
}

async function latestRange(client: ApiClient, kind: RecordKind, filter: string): Promise<string | undefined> {
  const answer = await client.post<{ rows: readonly (readonly [string | null])[] }>('query', {
    ...{ table: kind, filter, from: SEARCH, to: 'now', records: 'all', limit: 1 },
    metrics: [{ function: 'max', field: 'start_time' }],
  });
  return answer.rows[0]?.[0] ?? undefined;
}

/** A time of the API for people: `15m ago` for `-900s`. */
function agoText(time: string): string {
  const [, digits] = /^-(\d+)s$/.exec(time) ?? [];
  if (digits === undefined) return time;
  const seconds = Number(digits);
  const [unit, size] = (
    [
      ['d', 86_400],
      ['h', 3600],
      ['m', 60],
    ] as const
  ).find(([, one]) => seconds % one === 0) ?? ['s', 1];
  return `${seconds / size}${unit} ago`;
}
