import { describe, expect, it } from 'vitest';
import { SecurityError } from './authenticate.js';
import { readSecurity } from './read-security.js';

const noKubernetes = () => {
  throw new Error('no API server is to be asked');
};

const roles = [{ name: 'shop', groups: ['team-shop'], rights: ['view'], namespaces: ['shop'] }];

function problems(content: unknown): readonly string[] {
  try {
    readSecurity(content, noKubernetes);
  } catch (error) {
    if (error instanceof SecurityError) return error.problems;
    throw error;
  }
  return [];
}

describe('a file of security', () => {
  it('says who is known, and what they may do', () => {
    const content = {
      tokens: [{ name: 'ci', sha256: 'ab'.repeat(32), groups: ['team-shop'] }],
      openIdProviders: [{ issuer: 'https://id.example.com', audiences: ['sonde'], clientId: 'sonde' }],
      roles: [...roles, { name: 'operators', groups: ['ops'], rights: ['view', 'admin'], namespaces: 'all' }],
    };
    expect(readSecurity(content, noKubernetes)).toEqual(content);
  });

  it('names a kubeconfig, or has it looked for where it usually is', () => {
    const kubeConfig = {
      getCurrentCluster: () => ({ server: 'https://10.0.0.1' }),
      applyToHTTPSOptions: () => Promise.resolve(),
    };
    const asked: (string | undefined)[] = [];
    const find = (file: string | undefined) => {
      asked.push(file);
      return kubeConfig;
    };
    const named = { kubernetes: { kubeconfig: '/etc/sonde/kubeconfig', audiences: ['sonde'] }, roles };
    expect(readSecurity(named, find).kubernetes).toEqual({ audiences: ['sonde'], kubeConfig });
    readSecurity({ kubernetes: {}, roles }, find);
    expect(asked).toEqual(['/etc/sonde/kubeconfig', undefined]);
  });

  it('that says nothing, or something else, is refused with all that is wrong', () => {
    for (const content of [undefined, null, '', [], 'tokens']) expect(problems(content)).not.toEqual([]);
    expect(
      problems({
        token: [],
        tokens: [{ name: 'ci', token: 'secret', sha256: 'x', groups: 'team' }],
        roles: [{ name: 'shop', group: ['a'], rights: ['see'], namespaces: '*' }],
      }),
    ).toEqual(
      expect.arrayContaining([
        'the file may not have "token"',
        'tokens/0 may not have "token"',
        'tokens/0/groups must be array',
        'roles/0 may not have "group"',
        expect.stringContaining('roles/0/rights/0 must be equal to one of'),
        expect.stringContaining('roles/0/namespaces'),
      ]),
    );
  });
});
