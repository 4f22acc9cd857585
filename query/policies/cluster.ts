import { visibleRecords } from '../access/visible.js';
import { invalidQuery, QueryError } from '../errors.js';
import { select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';

/** The parameter that names a cluster. */
export const clusterSchema = {
  type: 'string',
  maxLength: 253,
  description: 'The cluster; may be left out where there is only one',
  examples: ['main'],
} as const;

/**
 * The cluster whose policies a request is about, of those that have a namespace of the reader's: that there are others,
 * which have tiers like all, is none of theirs.
 * @throws QueryError SONDE_NOT_FOUND if there is none such; 400 if there are several and none was named.
 */
export async function clusterOf(context: QueryContext, asked: string | undefined): Promise<string> {
  const parameters = new SqlParameters();
  const isAny = context.access.namespaces('view') === 'all';
  const rows = await select<{ cluster: string }>(
    context,
    `SELECT DISTINCT cluster FROM ${visibleRecords('cluster_objects', context.access, parameters)}
     ${isAny ? '' : "WHERE namespace != '' OR kind = 'Namespace'"} ORDER BY cluster`,
    parameters,
  );
  const clusters = rows.map(({ cluster }) => cluster);
  const [only] = clusters;
  if (asked !== undefined) {
    if (clusters.includes(asked)) return asked;
    throw new QueryError('SONDE_NOT_FOUND', `no policies of a cluster "${asked}" are known`);
  }
  if (only === undefined) throw new QueryError('SONDE_NOT_FOUND', 'no policies of any cluster are known yet');
  if (clusters.length === 1) return only;
  throw invalidQuery([
    { parameter: 'cluster', reason: `is needed, for there are several: ${clusters.join(', ')}` },
  ]);
}
