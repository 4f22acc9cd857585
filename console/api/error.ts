/** What is wrong with one parameter; positions are in UTF-16 units from 0. */
export interface ParameterError {
  readonly parameter: string;
  readonly reason: string;
  readonly nearest?: readonly string[];
  readonly start?: number;
  readonly end?: number;
}

/** A problem document (RFC 9457) of the query API. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly ParameterError[];
}

/** A request that the query API refused or could not answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly problem: ProblemDocument,
  ) {
    super(problem.detail);
  }

  /** What is wrong with a parameter, if that is what was wrong. */
  parameter(name: string): ParameterError | undefined {
    return this.problem.errors?.find(({ parameter }) => parameter === name);
  }
}
