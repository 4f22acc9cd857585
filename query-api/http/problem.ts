import type { ParameterError } from '@sonde/query/errors';
import { type ProblemCode, problemCodes, problemTypes, problemUri } from './problem-types.js';

/** The media type of a problem document (RFC 9457 §3). */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A request that fails; the server responds with its {@link problemDocument}. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  /** The parameters at fault, if some are. */
  readonly errors: readonly ParameterError[];
  /** Additional response headers, for example `retry-after`. */
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail what failed, why and what to do; shown to the client. */
  constructor(
    readonly code: ProblemCode,
    detail: string,
    {
      errors = [],
      headers = {},
    }: { errors?: readonly ParameterError[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.status = problemTypes[code].status;
    this.errors = errors;
    this.headers = headers;
  }
}

/**
 * The document of a problem (RFC 9457): `type` and `title` stand for the code, `detail` is for people, and `errors`
 * lists the parameters at fault.
 */
export function problemDocument({ code, message, errors }: Problem): object {
  return {
    type: problemUri(code),
    title: problemTypes[code].title,
    status: problemTypes[code].status,
    detail: message,
    code,
    ...(errors.length > 0 && { errors }),
  };
}

/** The JSON schema of {@link problemDocument}. */
export const problemSchema = {
  type: 'object',
  description: 'A problem document (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: {
      type: 'string',
      enum: problemCodes.map(problemUri),
      description: 'Identifies the error; docs/errors.md describes each',
    },
    title: { type: 'string', description: 'The error in a few words' },
    status: { type: 'integer', description: 'The HTTP status code' },
    detail: { type: 'string', description: 'What failed, why and what to do' },
    code: {
      type: 'string',
      enum: problemCodes,
      description: 'The stable error code, the last part of `type`',
    },
    errors: {
      type: 'array',
      description: 'The parameters at fault',
      items: {
        type: 'object',
        required: ['parameter', 'reason'],
        properties: {
          parameter: {
            type: 'string',
            description: 'Name of the parameter, or its place in the body, for example `metrics/0/field`',
          },
          reason: { type: 'string', description: 'What is wrong with it' },
          nearest: { type: 'array', items: { type: 'string' }, description: 'Similar valid names' },
          start: {
            type: 'integer',
            description: 'Where the error starts in the value, in UTF-16 units from 0',
          },
          end: { type: 'integer', description: 'Where the error ends, exclusive' },
        },
      },
    },
  },
} as const;
