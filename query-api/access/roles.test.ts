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
  it('give who is in their groups their rights in their namespaces', () => {
    expect(namespaces(['team-shop'], 'view')).toEqual(['cart', 'shop']);
    expect(namespaces(['team-shop'], 'capture')).toEqual(['cart', 'shop']);
    expect(namespaces(['team-shop'], 'download')).toEqual([]);
  });

  it('add up, each right for itself', () => {
    expect(namespaces(['team-shop', 'team-payments'], 'view')).toEqual(['cart', 'payments', 'shop']);
    expect(namespaces(['team-shop', 'team-payments'], 'capture')).toEqual(['cart', 'shop']);
    expect(namespaces(['team-shop', 'operators'], 'view')).toBe('all');
    expect(namespaces(['team-shop', 'operators'], 'capture')).toEqual(['cart', 'shop']);
  });

  it('give nothing to anybody else', () => {
    for (const groups of [[], ['team'], ['TEAM-SHOP'], ['']]) expect(namespaces(groups, 'view')).toEqual([]);
  });

  it('may name single identities', () => {
    const ada = { subject: 'oidc:https://id.example.com#ada', groups: [], untilMs: 0 };
    expect(accessByRoles(roles, ada).namespaces('view')).toEqual(['ada']);
  });

  it('that cannot be meant are told of, all at once', () => {
    expect(roleProblems(roles)).toEqual([]);
    expect(
      roleProblems([
        { name: 'a', rights: [], namespaces: [] },
        { name: 'b', groups: ['g'], rights: ['root' as 'view'], namespaces: ['', '*', 'Shop'] },
      ]),
    ).toEqual([
      'role a names neither groups nor subjects',
      'role a gives no right',
      expect.stringContaining('role a names no namespace'),
      expect.stringContaining('role b gives the right "root"'),
      'role b names "", which can be no namespace',
      'role b names "*", which can be no namespace',
      'role b names "Shop", which can be no namespace',
    ]);
  });
});
