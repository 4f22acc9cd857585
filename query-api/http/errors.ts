import { StoreError } from '@sonde/backbone/store/store';
import { nearestNames } from '@sonde/model/filter/nearest-names';
import { invalidQuery, type ParameterError, QueryError } from '@sonde/query/errors';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasDisconnected } from './client-disconnect.js';
import { Problem, PROBLEM_MEDIA_TYPE, problemDocument } from './problem.js';
import type { ProblemCode } from './problem-types.js';

/** Makes the server respond to every error with a problem document. */
export function handleErrors(server: FastifyInstance): void {
  server.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply));
}

/** Responds to an error; logs it if the server is at fault. */
export function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error);
  // A client that disconnects cancels its query, which is not a failure.
  if (problem.status >= 500 && !hasDisconnected(request)) {
    request.log.error({ err: error, code: problem.code, url: request.url }, 'request failed');
  }
  send(reply, problem);
}

function send(reply: FastifyReply, problem: Problem): void {
  reply.code(problem.status).headers(problem.headers).type(PROBLEM_MEDIA_TYPE);
  void reply.send(problemDocument(problem));
}

function toProblem(error: FastifyError): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof QueryError) return queryProblem(error);
  if (error instanceof StoreError) return storeProblem(error);
  if (error.validation) {
    const reported = error.validation.slice(0, MAX_REPORTED_ERRORS);
    return queryProblem(invalidQuery(reported.map((one) => parameterError(one, error.validationContext))));
  }
  const status = error.statusCode ?? 500;
  // Internal causes are for the log, not for the client.
  return status < 500
    ? new Problem(HTTP_CODES[status] ?? 'SONDE_MALFORMED_REQUEST', error.message)
    : new Problem('SONDE_INTERNAL', 'internal error; the server log has the cause');
}

/** The codes of errors that Fastify throws, by their status. */
const HTTP_CODES: Readonly<Record<number, ProblemCode>> = {
  404: 'SONDE_NOT_FOUND',
  413: 'SONDE_BODY_TOO_LARGE',
  414: 'SONDE_URI_TOO_LONG',
  415: 'SONDE_UNSUPPORTED_MEDIA_TYPE',
};

/** Queries throw codes that are codes of problems too. */
function queryProblem({ code, message, errors }: QueryError): Problem {
  const headers = code === 'SONDE_STORE_OVERLOADED' ? RETRY_SOON : {};
  return new Problem(code, message, { errors, headers });
}

const RETRY_SOON = { 'retry-after': '1' } as const;

/** Maximum number of reported errors; a large body could have one at every position. */
const MAX_REPORTED_ERRORS = 50;

/** ClickHouse's error codes (src/Common/ErrorCodes.cpp). */
const TIMEOUT_EXCEEDED = 159;
const MEMORY_LIMIT_EXCEEDED = 241;

function storeProblem({ engineCode }: StoreError): Problem {
  if (engineCode === TIMEOUT_EXCEEDED) {
    return new Problem(
      'SONDE_QUERY_TIMEOUT',
      'the query took too long: shorten the time range or narrow the filter',
    );
  }
  if (engineCode === MEMORY_LIMIT_EXCEEDED) {
    return new Problem(
      'SONDE_QUERY_OUT_OF_MEMORY',
      'the query needs too much memory: shorten the time range or group by fewer fields',
    );
  }
  return new Problem('SONDE_STORE_UNAVAILABLE', 'ClickHouse is not reachable');
}

/** A violation of a route's schema, with the schema that Ajv adds because of `verbose`. */
type Violation = NonNullable<FastifyError['validation']>[number] & {
  readonly parentSchema?: { readonly properties?: object };
};

/** A violation as an error of a parameter. `part` is the part of the request that is validated. */
function parameterError(violation: Violation, part = ''): ParameterError {
  const { keyword, params, instancePath, parentSchema, message = 'is invalid' } = violation;
  const place = instancePath.slice(1);
  const within = (name: string) => (place === '' ? name : `${place}/${name}`);
  if (keyword === 'additionalProperties') {
    const name = String(params.additionalProperty);
    return {
      parameter: within(name),
      reason: 'there is no such parameter',
      nearest: nearestNames(name, Object.keys(parentSchema?.properties ?? {})),
    };
  }
  if (keyword === 'required') {
    return { parameter: within(String(params.missingProperty)), reason: 'is missing' };
  }
  const allowed = keyword === 'enum' ? `: ${(params.allowedValues as string[]).join(', ')}` : '';
  return { parameter: place === '' ? part : place, reason: `${message}${allowed}` };
}
