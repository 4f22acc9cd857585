import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { PROBLEM_MEDIA_TYPE, problemSchema } from '../http/problem.js';
import type { Limits } from '../limits/limits.js';
import { exampleOf } from './example-of.js';

/**
 * Generates the OpenAPI 3.1 document of the routes that are added from now on, from their schemas. Adds what all routes
 * have in common: operation ids, tags, errors as problem documents, authentication and examples.
 */
export async function describeApi(
  server: FastifyInstance,
  { limits, isAuthenticated }: { limits: Limits; isAuthenticated: boolean },
): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sonde',
        version: '1',
        description: `Flow logs for Kubernetes: connections between workloads with volume, health and policy verdicts.\n\n${limitsText(limits)}`,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      ...(isAuthenticated && { components: { securitySchemes: { bearer } } }),
      // An empty requirement states that no token is needed.
      security: isAuthenticated ? [{ bearer: [] }] : [{}],
    },
    transform: ({ schema, url, route }) => ({ schema: describeRoute(schema, url, route), url }),
  });
}

/** The authentication of servers that require it. */
const bearer = {
  type: 'http',
  scheme: 'bearer',
  description: 'A static token, a token of an OpenID provider, or a Kubernetes token',
} as const;

/** The limits of this server in words. */
function limitsText({
  rangeMs,
  rows,
  querySeconds,
  bodyBytes,
  requests,
  concurrent,
  streams,
}: Limits): string {
  const rate = Number.isFinite(requests.burst)
    ? [`${requests.perSecond} requests per second (burst ${requests.burst}) per identity`]
    : [];
  const limits = [
    ...rate,
    `${concurrent} concurrent requests and ${streams} live streams per identity`,
    `${bodyBytes} bytes per request body`,
    `${rangeMs / 86_400_000} days per time range`,
    `${rows} rows per response`,
    `${querySeconds} seconds per query`,
  ];
  return `Limits: ${limits.join('; ')}.`;
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
      ...errorResponses(isPublic),
      ...(route.config?.cacheable === true && {
        304: { description: 'The ETag in `if-none-match` is current', type: 'null' },
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
  400: 'The request is invalid; `errors` lists the parameters',
  '4xx': 'The request cannot be fulfilled; `type` identifies the error',
  '5xx': 'The server or its store failed; `type` identifies the error',
};

const ACCESS_ERRORS: Readonly<Record<string, string>> = {
  401: 'The token is missing or invalid',
  403: 'The token does not grant the required right',
  429: 'Too many requests; `retry-after` is the number of seconds to wait',
};

function errorResponses(isPublic: boolean): Record<string, object> {
  const errors = isPublic ? ERRORS : { ...ERRORS, ...ACCESS_ERRORS };
  return Object.fromEntries(
    Object.entries(errors).map(([status, description]) => [status, problemResponse(description)]),
  );
}

/** Adds examples to the responses that have none. */
function describeResponses(responses: Readonly<Record<string, object>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [status, withExample(response)]),
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
  return { description, content: { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema } } };
}
