import { createHash } from 'node:crypto';
import type { Grant } from '@sonde/query/access/access';
import type { SecurityOptions } from '@sonde/query-api/access/authenticate';

/** The hash of a token as the access configuration contains it. */
export function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** An access configuration with static tokens, each with its grants. The token is also its name and its group. */
export function securityOf(grantsByToken: Readonly<Record<string, readonly Grant[]>>): SecurityOptions {
  const entries = Object.entries(grantsByToken);
  return {
    tokens: entries.map(([token]) => ({ name: token, sha256: sha256(token), groups: [token] })),
    roles: entries.flatMap(([token, grants]) =>
      grants.map((grant, index) => ({ name: `${token}-${index}`, groups: [token], ...grant })),
    ),
  };
}

/** View access to namespaces. */
export function viewOf(namespaces: Grant['namespaces']): Grant {
  return { rights: ['view'], namespaces };
}
