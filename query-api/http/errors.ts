import { StoreError } from '@sonde/backbone/store/store';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { nearestNames } from '@sonde/model/filter/nearest-names';
import { hasDisconnected } from './client-disconnect.js';
import { Problem, problemDocument, problemType } from './problem.js';
import { invalidQuery, type ParameterError, QueryError, type QueryErrorCode } from '@sonde/query/errors';

/** Makes the server answer every error with a problem document. */
export function answerErrorsWithProblems(server: FastifyInstance): void {
  server.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply));
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*/s, '');
    send(reply, new Problem(404, `there is nothing at ${request.method} ${path}`));
  });
}

/** Answers an error, and logs it if the fault is on this side. */
export function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error);
  // Who goes away ends the query, which is no failure.
  const isWanted = !hasDisconnected(request);
  if (problem.status >= 500 && isWanted)
    request.log.error({ err: error, url: request.url }, 'a request failed');
  send(reply, problem);
}

function send(reply: FastifyReply, problem: Problem): void {
  void reply.code(problem.status).headers(problem.headers).type(problemType).send(problemDocument(problem));
}

function toProblem(error: FastifyError): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof QueryError) return queryProblem(error);
  if (error instanceof StoreError) return storeProblem(error);
  if (error.validation) {
    const told = error.validation.slice(0, MAX_REPORTED_ERRORS);
    return queryProblem(invalidQuery(told.map((one) => parameterError(one, error.validationContext))));
  }
  const status = error.statusCode ?? 500;
  // What went wrong inside is for the log, not for whoever asked.
  return status < 500 ? new Problem(status, error.message) : new Problem(500, 'the server failed');
}

/** The status of each error that queries throw. */
const queryErrorStatus: Readonly<Record<QueryErrorCode, number>> = {
  SONDE_INVALID_PARAMETER: 400,
  SONDE_NOT_FOUND: 404,
  SONDE_QUERY_TOO_LARGE: 422,
  SONDE_STORE_OVERLOADED: 503,
};

function queryProblem({ code, message, errors }: QueryError): Problem {
  const status = queryErrorStatus[code];
  return new Problem(status, message, errors, status === 503 ? { 'retry-after': '1' } : {});
}

/** How many of a request's errors are told: a large body could have one at every place. */
const MAX_REPORTED_ERRORS = 50;

/** ClickHouse's error numbers (src/Common/ErrorCodes.cpp). */
const TIMEOUT_EXCEEDED = 159;
const MEMORY_LIMIT_EXCEEDED = 241;

function storeProblem({ engineCode }: StoreError): Problem {
  if (engineCode === TIMEOUT_EXCEEDED) {
    return new Problem(504, 'the query took longer than it may: ask for less time or for fewer records');
  }
  if (engineCode === MEMORY_LIMIT_EXCEEDED) {
    return new Problem(422, 'the query took more memory than it may: ask for less time or for fewer groups');
  }
  return new Problem(503, 'ClickHouse is not reachable');
}

/** One violation of a route's schema; `verbose` of Ajv's adds the schema that it is of. */
type Violation = NonNullable<FastifyError['validation']>[number] & {
  readonly parentSchema?: { readonly properties?: object };
};

/** A violation as an error of a parameter. `part` is the part of the request that is evaluated. */
function parameterError(violation: Violation, part = ''): ParameterError {
  const { keyword, params, instancePath, parentSchema, message = 'is wrong' } = violation;
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
