import type { FastifyInstance } from 'fastify';
import { rights } from '@sonde/query/access/access';

/** `GET /api/v1/whoami`: who asks, and what they may do. */
export function whoamiRoute(server: FastifyInstance): void {
  server.get('/api/v1/whoami', { schema, config: { access: 'authenticated' } }, (request) => {
    const { access } = request;
    return {
      subject: access.subject,
      rights: Object.fromEntries(rights.map((right) => [right, access.namespaces(right)])),
    };
  });
}

const namespacesSchema = {
  description: 'The namespaces in which the right is held; `all` includes what is in no namespace',
  oneOf: [
    { type: 'string', enum: ['all'] },
    { type: 'array', items: { type: 'string' } },
  ],
};

const schema = {
  summary: 'Returns your identity and rights',
  response: {
    200: {
      type: 'object',
      description: 'The identity that the token stands for',
      required: ['subject', 'rights'],
      additionalProperties: false,
      properties: {
        subject: { type: 'string' },
        rights: {
          type: 'object',
          required: rights,
          additionalProperties: false,
          properties: Object.fromEntries(rights.map((right) => [right, namespacesSchema])),
        },
      },
      examples: [
        {
          subject: 'oidc:https://id.example.com#ada',
          rights: { view: ['storefront'], capture: [], download: [], admin: [] },
        },
      ],
    },
  },
};
