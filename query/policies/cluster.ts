import { visibleRecords } from '../access/visible.js';
import { invalidQuery, QueryError } from '../errors.js';
import { select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';

/** The parameter that names a cluster. */
export const clusterSchema = {
  type: 'string',
  maxLength: 253,
  description: 'The cluster; may be omitted if there is only one',
  examples: ['main'],
} as const;

/**
 * The cluster of a request, among those with a namespace that the client may see; other clusters are not disclosed.
 * @throws QueryError SONDE_NOT_FOUND if there is no such cluster; SONDE_INVALID_PARAMETER if there are several and none was given.
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
    throw new QueryError('SONDE_NOT_FOUND', `no policies of the cluster "${asked}" are known`);
  }
  if (only === undefined) throw new QueryError('SONDE_NOT_FOUND', 'no policies of any cluster are known yet');
  if (clusters.length === 1) return only;
  throw invalidQuery([
    { parameter: 'cluster', reason: `is required, because there are several: ${clusters.join(', ')}` },
  ]);
}
