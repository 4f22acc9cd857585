import type { FastifyPluginCallback } from 'fastify';
import type { CurrentSecurity } from './current-security.js';
import { loginRoute } from './login.js';
import { whoamiRoute } from './whoami.js';

/** Login methods and the identity of the client. Without `security` there is no authentication. */
export const accessPlugin: FastifyPluginCallback<{ security: CurrentSecurity | undefined }> = (
  server,
  { security },
  done,
) => {
  whoamiRoute(server);
  loginRoute(server, security);
  done();
};
