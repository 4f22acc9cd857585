import { type Access, accessOf, type Right, rights } from '@sonde/query/access/access';
import type { Identity } from './identity.js';

/** Rights of groups and subjects. An identity without a role has no rights. */
export interface Role {
  readonly name: string;
  /** Groups as the authentication method names them; membership in any of them is enough. */
  readonly groups?: readonly string[];
  /** Single identities, in the form of `Access.subject`. */
  readonly subjects?: readonly string[];
  readonly rights: readonly Right[];
  readonly namespaces: 'all' | readonly string[];
}

/** The access that roles grant an identity. */
export function accessByRoles(roles: readonly Role[], { subject, groups, untilMs }: Identity): Access {
  const held = roles.filter(
    (role) =>
      (role.groups ?? []).some((group) => groups.includes(group)) || (role.subjects ?? []).includes(subject),
  );
  return accessOf(subject, held, untilMs);
}

/** The problems of roles, each with the role's name; empty if there are none. */
export function roleProblems(roles: readonly Role[]): string[] {
  return roles.flatMap(({ name, groups = [], subjects = [], rights: given, namespaces }) => {
    const problems: string[] = [];
    if (groups.length + subjects.length === 0) problems.push('has neither groups nor subjects');
    if (given.length === 0) problems.push('has no rights');
    for (const right of given) {
      if (!rights.includes(right)) {
        problems.push(`has the unknown right "${right as string}"; use ${rights.join(', ')}`);
      }
    }
    if (namespaces !== 'all') {
      if (namespaces.length === 0) problems.push('has no namespaces; use "all" for every namespace');
      for (const namespace of namespaces) {
        if (!DNS_LABEL.test(namespace))
          problems.push(`has "${namespace}", which is not a valid namespace name`);
      }
    }
    return problems.map((problem) => `role ${name} ${problem}`);
  });
}

/** A valid name of a namespace (RFC 1123 label). */
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
