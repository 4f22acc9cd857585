import type { StateTable } from '../store.js';

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
  return `INSERT INTO ${table.name} (${names}, ${table.insertTimeColumn})
    SELECT ${names}, now64(3) FROM ${source}`;
}
