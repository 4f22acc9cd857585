/**
 * A call of an aggregate function. It can also be computed in two phases, as states that are merged
 * (https://clickhouse.com/docs/sql-reference/aggregate-functions/combinators).
 */
export interface AggregateFunction {
  readonly name: string;
  /** Parameters in parentheses, for example `(0.95)`; usually empty. */
  readonly parameters: string;
  readonly arguments: string;
}

/** The result over records. */
export function resultSql({ name, parameters, arguments: of }: AggregateFunction): string {
  return `${name}${parameters}(${of})`;
}

/** The state over records. */
export function stateSql({ name, parameters, arguments: of }: AggregateFunction): string {
  return `${name}State${parameters}(${of})`;
}

/** The result of merged states. */
export function mergedSql({ name, parameters }: AggregateFunction, states: string): string {
  return `${name}Merge${parameters}(${states})`;
}
