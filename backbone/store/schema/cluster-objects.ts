import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import { DURABLE_SETTINGS } from './record-tables.js';
import type { TableDefinition } from './table-definition.js';

/**
 * The table of versions of everything that verdicts of policies depend on. Several enrichers may write the same
 * version, which then is one row: `version` is the same for all. `seen_at` says when the version was last known to
 * hold, so that retention drops what has long been superseded and never what still holds.
 */
export const clusterObjectsTable = 'cluster_objects';

/** The columns besides `seen_at`, each with its type and how a version fills it. */
const columns: readonly {
  readonly name: string;
  readonly type: string;
  readonly of: (version: ObjectVersion) => string | number | boolean;
}[] = [
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

const names = columns.map(({ name }) => name).join(', ');

/** The columns that tell objects apart. */
const objectColumns = 'cluster, kind, api_version, namespace, name';

export const clusterObjectsDefinition: TableDefinition = {
  name: clusterObjectsTable,
  elements: [...columns.map(({ name, type }) => `${name} ${type}`), "seen_at DateTime64(3, 'UTC')"],
  engine: 'ReplacingMergeTree',
  versionColumn: 'seen_at',
  clauses: [`ORDER BY (${objectColumns}, version)`, DURABLE_SETTINGS],
};

/** The structure of {@link objectRows} as ClickHouse's `format` function and `INSERT` take it. */
export const objectRowsStructure = columns
  .map(({ name, type }) => `${name} ${type.replace(/LowCardinality\((\w+)\)| CODEC.*/, '$1')}`)
  .join(', ');

/** Versions as lines of `JSONEachRow`. */
export function objectRows(versions: readonly ObjectVersion[]): string {
  return versions
    .map((version) => JSON.stringify(Object.fromEntries(columns.map(({ name, of }) => [name, of(version)]))))
    .join('\n');
}

/**
 * Writes versions.
 * @param source what stands after FROM and gives their rows, with the columns of {@link objectRowsStructure}.
 */
export function insertObjectRows(source: string): string {
  return `INSERT INTO ${clusterObjectsTable} (${names}, seen_at) SELECT ${names}, now64(3) FROM ${source}`;
}

/** Says of the versions of a parameter `cluster` that hold that they still do. */
export const confirmObjectRows = `INSERT INTO ${clusterObjectsTable} (${names}, seen_at)
  SELECT ${names}, now64(3) FROM ${latestObjects('cluster = {cluster:String}')}`;

/**
 * A subquery of the versions that hold: of each object the latest one that a condition lets through, unless it says
 * that the object is gone.
 */
export function latestObjects(condition: string, from: string = clusterObjectsTable): string {
  return `(SELECT * FROM
    (SELECT * FROM ${from} WHERE ${condition}
     ORDER BY ${objectColumns}, changed_at DESC, seen_at DESC LIMIT 1 BY ${objectColumns})
    WHERE NOT deleted)`;
}
