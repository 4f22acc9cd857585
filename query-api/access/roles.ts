import { type Access, accessOf, type Right, rights } from '@sonde/query/access/access';
import type { Identity } from './identity.js';

/** What the members of groups may do. Who is in no role's groups may do nothing. */
export interface Role {
  readonly name: string;
  /** Groups as the authentication method tells them; any of them is enough. */
  readonly groups?: readonly string[];
  /** Single identities, as `Access.subject` names them. */
  readonly subjects?: readonly string[];
  readonly rights: readonly Right[];
  readonly namespaces: 'all' | readonly string[];
}

/** What roles give an identity. */
export function accessByRoles(roles: readonly Role[], { subject, groups, untilMs }: Identity): Access {
  const held = roles.filter(
    (role) =>
      (role.groups ?? []).some((group) => groups.includes(group)) || (role.subjects ?? []).includes(subject),
  );
  return accessOf(subject, held, untilMs);
}

/** What is wrong with roles, each a sentence that names the role; empty if nothing is. */
export function roleProblems(roles: readonly Role[]): string[] {
  return roles.flatMap(({ name, groups = [], subjects = [], rights: given, namespaces }) => {
    const problems: string[] = [];
    if (groups.length + subjects.length === 0) problems.push('names neither groups nor subjects');
    if (given.length === 0) problems.push('gives no right');
    for (const right of given) {
      if (!rights.includes(right)) {
        problems.push(`gives the right "${right as string}"; there are ${rights.join(', ')}`);
      }
    }
    if (namespaces !== 'all') {
      if (namespaces.length === 0) problems.push('names no namespace; "all" means every one');
      for (const namespace of namespaces) {
        if (!DNS_LABEL.test(namespace)) problems.push(`names "${namespace}", which can be no namespace`);
      }
    }
    return problems.map((problem) => `role ${name} ${problem}`);
  });
}

/** What a namespace may be called (RFC 1123 label). */
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
