/** What is wrong with one parameter of a query. */
export interface ParameterError {
  /** Its name, or its place in a body as a JSON pointer without the leading slash, for example `metrics/0/field`. */
  readonly parameter: string;
  readonly reason: string;
  /** Names that may have been meant, nearest first. */
  readonly nearest?: readonly string[];
  /** Where in the parameter's text the error is, in UTF-16 units from 0; `end` is exclusive. */
  readonly start?: number;
  readonly end?: number;
}

/** The stable codes of errors that queries throw; docs/errors.md describes each. */
export const queryErrorCodes = [
  'SONDE_INVALID_PARAMETER',
  'SONDE_NOT_FOUND',
  'SONDE_QUERY_TOO_LARGE',
  'SONDE_STORE_OVERLOADED',
] as const;
export type QueryErrorCode = (typeof queryErrorCodes)[number];

/** A query that cannot be answered; the message says why and what to do. */
export class QueryError extends Error {
  override readonly name = 'QueryError';

  constructor(
    readonly code: QueryErrorCode,
    message: string,
    /** The invalid parameters, if the error is about parameters. */
    readonly errors: readonly ParameterError[] = [],
  ) {
    super(message);
  }
}

/** A query with invalid parameters: lists all of them at once. */
export function invalidQuery(errors: readonly ParameterError[]): QueryError {
  const message = errors.map(({ parameter, reason }) => `${parameter}: ${reason}`).join('; ');
  return new QueryError('SONDE_INVALID_PARAMETER', message, errors);
}
