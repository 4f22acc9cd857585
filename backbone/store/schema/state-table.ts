import type { TableDefinition } from './table-definition.js';

/**
 * A table of state: rows that services keep in the store, as opposed to records that pass through it. To add one,
 * declare it like `cluster-objects.ts`, create it in a migration and write it with `FlowStore.insertRows`.
 */
export interface StateTable<Row> {
  readonly definition: TableDefinition;
  /** The columns that a row fills. */
  readonly columns: readonly StateColumn<Row>[];
  /** The column that each insert sets to the current time. */
  readonly insertTimeColumn: string;
}

export interface StateColumn<Row> {
  readonly name: string;
  /** Its ClickHouse type, with a codec if it has one. */
  readonly type: string;
  /** The column's value of a row. */
  readonly of: (row: Row) => string | number | boolean;
}

/** The definitions of a state table's columns, for `TableDefinition.elements`. */
export function stateColumnDefinitions<Row>({
  columns,
  insertTimeColumn,
}: Pick<StateTable<Row>, 'columns' | 'insertTimeColumn'>): string[] {
  return [...columns.map(({ name, type }) => `${name} ${type}`), `${insertTimeColumn} DateTime64(3, 'UTC')`];
}

/** The columns of {@link jsonRows}, as ClickHouse's `input` and `format` functions accept them. */
export function rowStructure<Row>({ columns }: StateTable<Row>): string {
  return columns
    .map(({ name, type }) => `${name} ${type.replace(/LowCardinality\((\w+)\)| CODEC.*/, '$1')}`)
    .join(', ');
}

/** Rows in the format `JSONEachRow`. */
export function jsonRows<Row>({ columns }: StateTable<Row>, rows: readonly Row[]): string {
  return rows
    .map((row) => JSON.stringify(Object.fromEntries(columns.map(({ name, of }) => [name, of(row)]))))
    .join('\n');
}

/** An INSERT of the rows that `source` gives: a table function, a table or a subquery with the table's columns. */
export function insertFrom<Row>(table: StateTable<Row>, source: string): string {
  const names = table.columns.map(({ name }) => name).join(', ');
  const { definition, insertTimeColumn } = table;
  return `INSERT INTO ${definition.name} (${names}, ${insertTimeColumn})
    SELECT ${names}, now64(3) FROM ${source}`;
}
