import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import type { FlowStore, StateColumn, StateTable } from '../store.js';
import { DURABLE_SETTINGS } from './record-tables.js';
import { stateColumnDefinitions } from './state-table.js';
import type { TableDefinition } from './table-definition.js';

/** Name of the table of versions of the objects that policies depend on. */
export const clusterObjectsTable = 'cluster_objects';

const columns: readonly StateColumn<ObjectVersion>[] = [
  { name: 'cluster', type: 'LowCardinality(String)', of: ({ cluster }) => cluster },
  { name: 'api_version', type: 'LowCardinality(String)', of: ({ apiVersion }) => apiVersion },
  { name: 'kind', type: 'LowCardinality(String)', of: ({ kind }) => kind },
  { name: 'namespace', type: 'LowCardinality(String)', of: ({ namespace }) => namespace },
  { name: 'name', type: 'String', of: ({ name }) => name },
  { name: 'version', type: 'String', of: ({ version }) => version },
  {
    name: 'changed_at',
    type: "DateTime64(3, 'UTC')",
    of: ({ changedAtMs }) => new Date(changedAtMs).toISOString().replace('T', ' ').replace('Z', ''),
  },
  { name: 'deleted', type: 'Bool', of: ({ deleted }) => deleted },
  { name: 'changed_by', type: 'LowCardinality(String)', of: ({ changedBy }) => changedBy },
  { name: 'manifest', type: 'String CODEC(ZSTD(3))', of: ({ manifest }) => manifest },
];

/** The columns that identify an object. */
const objectColumns = 'cluster, kind, api_version, namespace, name';

/**
 * Versions of the objects that policy verdicts depend on. Several enrichers may insert the same version, which becomes
 * one row because its `version` is the same. `seen_at` is when the version was last known to be current, so retention
 * removes versions that were replaced long ago and never a current one.
 */
export const clusterObjects: StateTable<ObjectVersion> = {
  name: clusterObjectsTable,
  columns,
  insertTimeColumn: 'seen_at',
};

export const clusterObjectsDefinition: TableDefinition = {
  name: clusterObjectsTable,
  elements: stateColumnDefinitions(clusterObjects),
  engine: 'ReplacingMergeTree',
  versionColumn: 'seen_at',
  clauses: [`ORDER BY (${objectColumns}, version)`, DURABLE_SETTINGS],
};

/**
 * Confirms that the latest stored versions of a cluster's objects are current, which restarts their retention.
 * @throws StoreError if the engine fails.
 */
export async function confirmObjects(store: FlowStore, cluster: string): Promise<void> {
  await store.copyRows(clusterObjects, latestObjects('cluster = {cluster:String}'), { cluster });
}

/**
 * A subquery for the current version of each object: the latest one that matches a condition, unless that one says that
 * the object was deleted.
 */
export function latestObjects(condition: string, from: string = clusterObjectsTable): string {
  return `(SELECT * FROM
    (SELECT * FROM ${from} WHERE ${condition}
     ORDER BY ${objectColumns}, changed_at DESC, seen_at DESC LIMIT 1 BY ${objectColumns})
    WHERE NOT deleted)`;
}
