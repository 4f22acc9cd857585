/** A table, independent of the layout. */
export interface TableDefinition {
  /** The name in statements. */
  readonly name: string;
  /** Column and index definitions. */
  readonly elements: readonly string[];
  /** The engine's name without `Replicated`, for example `ReplacingMergeTree`. */
  readonly engine: `${string}MergeTree`;
  /** The column that identifies the newer of two rows in a `ReplacingMergeTree`. */
  readonly versionColumn?: string;
  /** Clauses after the engine: keys and settings. */
  readonly clauses: readonly string[];
  /** The expression that distributes rows over the shards of a cluster; if absent, every server has all rows. */
  readonly shardingKey?: string;
}

/**
 * The location of tables: one server, or all servers of a cluster in `remote_servers`, which need the macros `shard` and
 * `replica` (https://clickhouse.com/docs/engines/table-engines/mergetree-family/replication).
 */
export type TableLayout =
  { readonly kind: 'server' } | { readonly kind: 'cluster'; readonly cluster: string };

export const ON_ONE_SERVER: TableLayout = { kind: 'server' };

/** The statements that create a table in a layout; each can be repeated. */
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

/** The name of the table that contains the rows, which differs from the name in statements if it is distributed. */
export function storedName(
  { name, shardingKey }: Pick<TableDefinition, 'name' | 'shardingKey'>,
  layout: TableLayout,
): string {
  return layout.kind === 'cluster' && shardingKey !== undefined ? `${name}_local` : name;
}

/** The clause that makes a statement run on all servers. */
export function onCluster(layout: TableLayout): string {
  return layout.kind === 'cluster' ? ` ON CLUSTER '${layout.cluster}'` : '';
}

/** The path in Keeper and the name of the replica. */
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
