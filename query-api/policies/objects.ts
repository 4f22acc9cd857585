import { latestObjects } from '@sonde/backbone/store/cluster-objects';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import type { FastifyRequest } from 'fastify';
import { visibleRecords } from '../access/visible.js';
import { select } from '../records/question.js';
import type { RouteDependencies } from '../routes/dependencies.js';
import { SqlParameters } from '../sql/parameters.js';

/** The objects that policies of a cluster depend on, as they are now, as far as they may be seen. */
export async function currentObjects(
  dependencies: RouteDependencies,
  request: FastifyRequest,
  cluster: string,
): Promise<KubernetesObject[]> {
  const parameters = new SqlParameters();
  const ofCluster = `cluster = ${parameters.add(cluster, 'String')}`;
  const visible = visibleRecords('cluster_objects', request.access, parameters);
  const rows = await select<{ manifest: string }>(
    dependencies,
    request,
    `SELECT manifest FROM ${latestObjects(ofCluster, visible)} ORDER BY kind, api_version, namespace, name`,
    parameters,
  );
  return rows.map(({ manifest }) => JSON.parse(manifest) as KubernetesObject);
}
