import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import type { TimeRange } from '../time-range.js';
import { fromWhere, type RecordKind, type RecordQuery, select } from './record-query.js';

/**
 * Fixes the data of a query: records that arrive from now on are excluded, from every statement with the returned query's
 * range. Use it for responses that read more than once. Relies on the offsets of a transport partition growing in the order
 * in which its records are stored.
 */
export async function fixData(context: QueryContext, query: RecordQuery): Promise<RecordQuery> {
  const [flows, dns] = await Promise.all([
    storedOffsets(context, 'flows', query.range),
    storedOffsets(context, 'dns', query.range),
  ]);
  return { ...query, range: { ...query.range, storedOffsets: { flows, dns } } };
}

/** The highest offset per transport partition of the visible records of a range. */
async function storedOffsets(
  context: QueryContext,
  kind: RecordKind,
  range: TimeRange,
): Promise<ReadonlyMap<number, number>> {
  const parameters = new SqlParameters();
  const all = { kind, range, filter: { kind: 'constant', value: true } } as const;
  const rows = await select<{ partition: number; highest: string }>(
    context,
    `SELECT transport_partition AS partition, max(transport_offset) AS highest
     ${fromWhere(all, context.access, parameters)} GROUP BY partition`,
    parameters,
  );
  return new Map(rows.map(({ partition, highest }) => [partition, Number(highest)]));
}
