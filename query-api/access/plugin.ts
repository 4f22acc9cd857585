import type { FastifyInstance } from 'fastify';
import type { CurrentSecurity } from './current-security.js';
import { loginRoute } from './login.js';
import { whoamiRoute } from './whoami.js';

/** Login methods and the identity of the client. Without `security` there is no authentication. */
export async function accessPlugin(
  server: FastifyInstance,
  { security }: { security: CurrentSecurity | undefined },
): Promise<void> {
  whoamiRoute(server);
  loginRoute(server, security);
}
