import type { ParameterError } from '@sonde/query/errors';
import { STATUS_CODES } from 'node:http';

/** The media type of a problem document (RFC 9457 §3). */
export const problemType = 'application/problem+json';

/** A request that ends in an error; the server answers it with its {@link problemDocument}. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    detail: string,
    readonly errors: readonly ParameterError[] = [],
    /** Headers of the answer besides, for example `retry-after`. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }
}

/**
 * A problem as RFC 9457 has it. The type is `about:blank` (§4.2.1), so the title is the status' own; what is
 * special about a problem stands in `detail` for people and in `errors` for programs.
 */
export function problemDocument(problem: Problem): object {
  return {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    ...(problem.errors.length > 0 && { errors: problem.errors }),
  };
}

/** The JSON schema of {@link problemDocument}. */
export const problemSchema = {
  type: 'object',
  description: 'A problem document (RFC 9457)',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['parameter', 'reason'],
        properties: {
          parameter: { type: 'string' },
          reason: { type: 'string' },
          nearest: { type: 'array', items: { type: 'string' } },
          start: { type: 'integer', description: 'Where in the text it is wrong, from 0' },
          end: { type: 'integer' },
        },
      },
    },
  },
} as const;
