/** A table as every layout has it. */
export interface TableDefinition {
  /** The name that statements use. */
  readonly name: string;
  /** Column and index definitions. */
  readonly elements: readonly string[];
  /** The engine's name without `Replicated`, for example `ReplacingMergeTree`. */
  readonly engine: `${string}MergeTree`;
  /** The column by which a `ReplacingMergeTree` knows the newer of two rows. */
  readonly versionColumn?: string;
  /** What stands behind the engine: keys and settings. */
  readonly clauses: readonly string[];
  /** By what rows are spread over the shards of a cluster; without it every server holds all rows. */
  readonly shardingKey?: string;
}

/**
 * Where tables live: on one server, or on every server of a cluster that its `remote_servers` name, which need the
 * macros `shard` and `replica` (https://clickhouse.com/docs/engines/table-engines/mergetree-family/replication).
 */
export type TableLayout =
  { readonly kind: 'server' } | { readonly kind: 'cluster'; readonly cluster: string };

export const ON_ONE_SERVER: TableLayout = { kind: 'server' };

/** The statements that create a table in a layout; each may be run again. */
export function createTable(table: TableDefinition, layout: TableLayout): string[] {
  const { versionColumn } = table;
  if (layout.kind === 'server') {
    return [create(table, table.name, '', `${table.engine}${argumentList(versionColumn)}`)];
  }
  const everywhere = onCluster(layout);
  if (table.shardingKey === undefined) {
    const engine = argumentList(...sameEverywhere, versionColumn);
    return [create(table, table.name, everywhere, `Replicated${table.engine}${engine}`)];
  }
  const local = storedName(table, layout);
  return [
    create(table, local, everywhere, `Replicated${table.engine}${argumentList(...perShard, versionColumn)}`),
    `CREATE TABLE IF NOT EXISTS ${table.name}${everywhere} AS ${local}
ENGINE = Distributed('${layout.cluster}', currentDatabase(), ${local}, ${table.shardingKey})`,
  ];
}

/** The name of the table that holds the rows, as far as it differs from the one that statements use. */
export function storedName(
  { name, shardingKey }: Pick<TableDefinition, 'name' | 'shardingKey'>,
  layout: TableLayout,
): string {
  return layout.kind === 'cluster' && shardingKey !== undefined ? `${name}_local` : name;
}

/** What makes a statement about a table run on all servers. */
export function onCluster(layout: TableLayout): string {
  return layout.kind === 'cluster' ? ` ON CLUSTER '${layout.cluster}'` : '';
}

/** Path in Keeper and name of the replica there. */
const perShard = ["'/clickhouse/tables/{database}/{table}/{shard}'", "'{replica}'"];
const sameEverywhere = ["'/clickhouse/tables/{database}/{table}'", "'{shard}-{replica}'"];

function argumentList(...values: readonly (string | undefined)[]): string {
  const given = values.filter((value) => value !== undefined);
  return given.length === 0 ? '' : `(${given.join(', ')})`;
}

function create(table: TableDefinition, name: string, where: string, engine: string): string {
  return [
    `CREATE TABLE IF NOT EXISTS ${name}${where}`,
    `(${table.elements.join(',\n ')})`,
    `ENGINE = ${engine}`,
    ...table.clauses,
  ].join('\n');
}
