import { latestObjects } from '@sonde/backbone/store/schema/cluster-objects';
import { timeText } from '@sonde/model/filter/sql';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { visibleRecords } from '../access/visible.js';
import { select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';

/** The current policies of a cluster and the objects they depend on, as far as the client may see them. */
export function currentObjects(context: QueryContext, cluster: string): Promise<KubernetesObject[]> {
  return objectsAt(context, cluster, undefined);
}

/** Like {@link currentObjects}, at a time in ms since 1970. */
export async function objectsAt(
  context: QueryContext,
  cluster: string,
  atMs: number | undefined,
): Promise<KubernetesObject[]> {
  const parameters = new SqlParameters();
  const conditions = [`cluster = ${parameters.add(cluster, 'String')}`];
  if (atMs !== undefined) {
    conditions.push(`changed_at <= ${parameters.add(timeText(atMs), "DateTime64(3, 'UTC')")}`);
  }
  const visible = visibleRecords('cluster_objects', context.access, parameters);
  const rows = await select<{ manifest: string }>(
    context,
    `SELECT manifest FROM ${latestObjects(conditions.join(' AND '), visible)} ORDER BY kind, api_version, namespace, name`,
    parameters,
  );
  return rows.map(({ manifest }) => JSON.parse(manifest) as KubernetesObject);
}
