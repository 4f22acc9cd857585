import type { FastifyInstance } from 'fastify';

/** `GET /api/v1/openapi.json`: the OpenAPI 3.1 document of the API. */
export function openapiRoute(server: FastifyInstance): void {
  const schema = {
    summary: 'Return the OpenAPI document of this API',
    response: {
      200: {
        type: 'object',
        description: 'An OpenAPI 3.1 document',
        additionalProperties: true,
        examples: [{ openapi: '3.1.0', info: { title: 'Sonde', version: '1' }, paths: {} }],
      },
    },
  };
  let text: string | undefined;
  server.get(
    '/api/v1/openapi.json',
    { schema, config: { access: 'authenticated', cacheable: true } },
    async (_request, reply) => {
      text ??= JSON.stringify(server.swagger());
      return reply.type('application/json').send(text);
    },
  );
}
