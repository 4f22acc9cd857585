/**
 * An aggregate function of the engine's with what it is called with. Its result can also be had in two halves: what it
 * keeps of records, and the result of what was kept
 * (https://clickhouse.com/docs/sql-reference/aggregate-functions/combinators).
 */
export interface AggregateFunction {
  readonly name: string;
  /** Between the name and the arguments, with parentheses; mostly nothing. */
  readonly parameters: string;
  readonly arguments: string;
}

/** Its result. */
export function resultSql({ name, parameters, arguments: of }: AggregateFunction): string {
  return `${name}${parameters}(${of})`;
}

/** What it keeps of records. */
export function stateSql({ name, parameters, arguments: of }: AggregateFunction): string {
  return `${name}State${parameters}(${of})`;
}

/** The result of what was kept, several times over. */
export function mergedSql({ name, parameters }: AggregateFunction, states: string): string {
  return `${name}Merge${parameters}(${states})`;
}
