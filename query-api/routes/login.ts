import type { FastifyInstance } from 'fastify';
import type { CurrentSecurity } from '../access/current-security.js';

/** `GET /api/v1/login`: how to get a token that this server accepts. For who has none yet, so anybody may ask. */
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
      description: 'The ways of authentication',
      required: ['required', 'openIdProviders', 'staticTokens', 'kubernetes'],
      additionalProperties: false,
      properties: {
        required: { type: 'boolean', description: 'Whether a token is needed at all' },
        openIdProviders: {
          type: 'array',
          description: 'OpenID providers whose tokens are accepted',
          items: {
            type: 'object',
            required: ['issuer'],
            additionalProperties: false,
            properties: {
              issuer: { type: 'string' },
              clientId: { type: 'string', description: 'The client to log in by, if there is one' },
            },
          },
        },
        staticTokens: { type: 'boolean', description: 'Tokens that the operators hand out' },
        kubernetes: { type: 'boolean', description: 'Tokens of a Kubernetes cluster' },
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
