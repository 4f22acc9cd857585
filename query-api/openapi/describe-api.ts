import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { problemSchema, problemType } from '../http/problem.js';
import { exampleOf } from './example-of.js';

/**
 * Makes the OpenAPI 3.1 document of the routes that are added from now on, out of their schemas. What all have in
 * common is added here: names of operations, errors as problem documents, who may ask, and limits.
 */
export async function describeApi(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sonde',
        version: '1',
        description:
          'Who talked to whom in a cluster, was it allowed, by which policy, and how well did it go',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description:
              'A static token, one of an OpenID provider, or one of Kubernetes. On a server without authentication none is needed',
          },
        },
      },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url, route }) => ({ schema: describeRoute(schema, url, route), url }),
  });
}

function describeRoute(schema: FastifySchema | undefined, url: string, route: RouteOptions): FastifySchema {
  const isPublic = route.config?.access === 'public';
  const responses = (schema?.response ?? {}) as Readonly<Record<string, object>>;
  return {
    operationId: operationId(String(route.method), url),
    ...schema,
    ...(schema?.body !== undefined && { body: withExample(schema.body as object) }),
    ...(isPublic && { security: [] }),
    response: {
      ...errorsOfAll(isPublic),
      ...(route.config?.cacheable === true && {
        304: { description: 'The tag that was sent still holds', type: 'null' },
      }),
      ...describeResponses(responses),
    },
  };
}

/** `GET /api/v1/policies/changes` is `getPoliciesChanges`. */
function operationId(method: string, url: string): string {
  const words = url
    .replace(/^\/api\/v\d+/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return method.toLowerCase() + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

const ERRORS: Readonly<Record<string, string>> = {
  400: 'The request is wrong; the answer says in what',
  '5xx': 'The server or its store failed',
};

const ERRORS_OF_KNOWN: Readonly<Record<string, string>> = {
  401: 'Nobody, or somebody unknown, asks',
  403: 'Who asks has not the right to',
  429: 'Who asks asks too much; `retry-after` says how many seconds to wait',
};

function errorsOfAll(isPublic: boolean): Record<string, object> {
  const errors = isPublic ? ERRORS : { ...ERRORS, ...ERRORS_OF_KNOWN };
  return Object.fromEntries(
    Object.entries(errors).map(([status, description]) => [status, problemResponse(description)]),
  );
}

/** Routes declare errors by the schema alone, though their media type is that of problems; and not all give examples. */
function describeResponses(responses: Readonly<Record<string, object>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      response === problemSchema ? problemResponse('The request cannot be answered') : withExample(response),
    ]),
  );
}

function withExample(schema: object): object {
  if ('content' in schema) {
    const media = Object.entries(schema.content as Readonly<Record<string, { readonly schema: object }>>);
    const content = media.map(([type, one]) => [
      type,
      type === 'application/json' ? { ...one, schema: withExample(one.schema) } : one,
    ]);
    return { ...schema, content: Object.fromEntries(content) as unknown };
  }
  return 'examples' in schema ? schema : { ...schema, examples: [exampleOf(schema)] };
}

function problemResponse(description: string): object {
  return { description, content: { [problemType]: { schema: problemSchema } } };
}
