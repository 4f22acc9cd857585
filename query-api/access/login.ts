import type { FastifyInstance } from 'fastify';
import type { CurrentSecurity } from './current-security.js';

/** `GET /api/v1/login`: the accepted authentication methods. Public, because clients call it to get a token. */
export function loginRoute(server: FastifyInstance, security: CurrentSecurity | undefined): void {
  server.get('/api/v1/login', { schema, config: { access: 'public' } }, () => {
    const { openIdProviders = [], tokens = [], kubernetes } = security?.options ?? {};
    return {
      required: security !== undefined,
      openIdProviders: openIdProviders.map(({ issuer, clientId }) => ({
        issuer,
        ...(clientId !== undefined && { clientId }),
      })),
      staticTokens: tokens.length > 0,
      kubernetes: kubernetes !== undefined,
    };
  });
}

const schema = {
  summary: 'Lists the accepted authentication methods',
  response: {
    200: {
      type: 'object',
      description: 'The accepted authentication methods',
      required: ['required', 'openIdProviders', 'staticTokens', 'kubernetes'],
      additionalProperties: false,
      properties: {
        required: { type: 'boolean', description: 'Whether requests need a token' },
        openIdProviders: {
          type: 'array',
          description: 'OpenID providers whose tokens are accepted',
          items: {
            type: 'object',
            required: ['issuer'],
            additionalProperties: false,
            properties: {
              issuer: { type: 'string', description: 'URL of the issuer' },
              clientId: {
                type: 'string',
                description: 'Client id for `sonde login`; absent if users cannot log in',
              },
            },
          },
        },
        staticTokens: { type: 'boolean', description: 'Whether static tokens are accepted' },
        kubernetes: { type: 'boolean', description: 'Whether tokens of a Kubernetes cluster are accepted' },
      },
      examples: [
        {
          required: true,
          openIdProviders: [{ issuer: 'https://id.example.com', clientId: 'sonde' }],
          staticTokens: false,
          kubernetes: true,
        },
      ],
    },
  },
};
