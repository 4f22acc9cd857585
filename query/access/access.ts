/**
 * The rights: `view` records and policies, `capture` packets, `download` captures, `admin` for the server itself, such
 * as its metrics.
 */
export const rights = ['view', 'capture', 'download', 'admin'] as const;
export type Right = (typeof rights)[number];

/** The rights of one identity by namespace. A namespace name stands for that namespace in every cluster. */
export interface Access {
  /** The identity, for audit and limits: `oidc:<issuer>#<subject>`, `token:<name>`, `kubernetes:<user>` or `local`. */
  readonly subject: string;
  /** When the access must be checked again, in ms since 1970; infinite if never. */
  readonly untilMs: number;
  /** The namespaces in which the right is held, empty if none; `all` includes objects without a namespace. */
  namespaces(right: Right): 'all' | readonly string[];
}

/** Rights in some or all namespaces. */
export interface Grant {
  readonly rights: readonly Right[];
  readonly namespaces: 'all' | readonly string[];
}

/** The access of several grants together. */
export function accessOf(subject: string, grants: readonly Grant[], untilMs = Infinity): Access {
  const byRight = new Map(rights.map((right) => [right, namespacesOf(right, grants)]));
  return { subject, untilMs, namespaces: (right) => byRight.get(right) ?? [] };
}

/** Whether a right is held in at least one namespace. */
export function holds(access: Access, right: Right): boolean {
  return access.namespaces(right).length > 0;
}

function namespacesOf(right: Right, grants: readonly Grant[]): 'all' | readonly string[] {
  const namespaces = new Set<string>();
  for (const grant of grants) {
    if (!grant.rights.includes(right)) continue;
    if (grant.namespaces === 'all') return 'all';
    for (const namespace of grant.namespaces) namespaces.add(namespace);
    // The empty name stands for objects without a namespace, which only `all` includes.
    namespaces.delete('');
  }
  return [...namespaces].sort();
}
