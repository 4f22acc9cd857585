import { describe, expect, it } from 'vitest';
import type { Role } from './roles.js';
import { accessByRoles, roleProblems } from './roles.js';

const roles: readonly Role[] = [
  { name: 'shop', groups: ['team-shop'], rights: ['view', 'capture'], namespaces: ['shop', 'cart'] },
  { name: 'payments', groups: ['team-payments'], rights: ['view'], namespaces: ['payments'] },
  { name: 'operators', groups: ['operators'], rights: ['view', 'admin'], namespaces: 'all' },
  { name: 'ada', subjects: ['oidc:https://id.example.com#ada'], rights: ['view'], namespaces: ['ada'] },
];

function namespaces(groups: readonly string[], right: 'view' | 'capture' | 'download' | 'admin') {
  return accessByRoles(roles, { subject: 'token:x', groups, untilMs: 0 }).namespaces(right);
}

describe('roles', () => {
  it('grant members of their groups their rights in their namespaces', () => {
    expect(namespaces(['team-shop'], 'view')).toEqual(['cart', 'shop']);
    expect(namespaces(['team-shop'], 'capture')).toEqual(['cart', 'shop']);
    expect(namespaces(['team-shop'], 'download')).toEqual([]);
  });

  it('add up per right', () => {
    expect(namespaces(['team-shop', 'team-payments'], 'view')).toEqual(['cart', 'payments', 'shop']);
    expect(namespaces(['team-shop', 'team-payments'], 'capture')).toEqual(['cart', 'shop']);
    expect(namespaces(['team-shop', 'operators'], 'view')).toBe('all');
    expect(namespaces(['team-shop', 'operators'], 'capture')).toEqual(['cart', 'shop']);
  });

  it('grant nothing to others', () => {
    for (const groups of [[], ['team'], ['TEAM-SHOP'], ['']]) expect(namespaces(groups, 'view')).toEqual([]);
  });

  it('can name single identities', () => {
    const ada = { subject: 'oidc:https://id.example.com#ada', groups: [], untilMs: 0 };
    expect(accessByRoles(roles, ada).namespaces('view')).toEqual(['ada']);
  });

  it('with errors are reported, all errors at once', () => {
    expect(roleProblems(roles)).toEqual([]);
    expect(
      roleProblems([
        { name: 'a', rights: [], namespaces: [] },
        { name: 'b', groups: ['g'], rights: ['root' as 'view'], namespaces: ['', '*', 'Shop'] },
      ]),
    ).toEqual([
      'role a has neither groups nor subjects',
      'role a has no rights',
      expect.stringContaining('role a has no namespaces'),
      expect.stringContaining('role b has the unknown right "root"'),
      'role b has "", which is not a valid namespace name',
      'role b has "*", which is not a valid namespace name',
      'role b has "Shop", which is not a valid namespace name',
    ]);
  });
});
