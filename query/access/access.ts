/**
 * What somebody may do: `view` records and policies, `capture` packets, `download` captures, `admin`
 * settings and what concerns no namespace, such as the API's own figures.
 */
export const rights = ['view', 'capture', 'download', 'admin'] as const;
export type Right = (typeof rights)[number];

/** What one identity may do, and in which namespaces. A namespace's name means that namespace in every cluster. */
export interface Access {
  /** Who asks, for audit and limits: `oidc:<issuer>#<subject>`, `token:<name>`, `kubernetes:<user>` or `local`. */
  readonly subject: string;
  /** When this must be found out again, in milliseconds since 1970; never if infinite. */
  readonly untilMs: number;
  /** The namespaces in which the right is held; `all` includes what is in no namespace. Empty if it is not held. */
  namespaces(right: Right): 'all' | readonly string[];
}

/** Rights in some namespaces, or in all. */
export interface Grant {
  readonly rights: readonly Right[];
  readonly namespaces: 'all' | readonly string[];
}

/** The access that grants give together. */
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
    // The empty name is that of what is in no namespace, which only `all` includes.
    namespaces.delete('');
  }
  return [...namespaces].sort();
}
