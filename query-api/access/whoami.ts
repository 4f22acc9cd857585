import type { FastifyInstance } from 'fastify';
import { rights } from '@sonde/query/access/access';

/** `GET /api/v1/whoami`: the identity and rights of the client. */
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
  description: 'Namespaces in which you hold the right; `all` includes objects without a namespace',
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
      description: 'Your identity and rights',
      required: ['subject', 'rights'],
      additionalProperties: false,
      properties: {
        subject: { type: 'string', description: 'Your identity, in the form that roles and logs use' },
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
