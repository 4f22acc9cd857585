import { Credentials } from '@sonde/backbone/kubernetes/credentials';
import { plainKubeConfig } from '@sonde/backbone/kubernetes/kube-config';
import { describe, expect, it } from 'vitest';
import { SecurityError } from './authenticate.js';
import { readSecurity } from './read-security.js';

const noKubernetes = () => {
  throw new Error('this test has no API server');
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

describe('the access configuration file', () => {
  it('lists authentication methods and roles', () => {
    const content = {
      tokens: [{ name: 'ci', sha256: 'ab'.repeat(32), groups: ['team-shop'] }],
      openIdProviders: [{ issuer: 'https://id.example.com', allowedAudiences: ['sonde'], clientId: 'sonde' }],
      roles: [...roles, { name: 'operators', groups: ['ops'], rights: ['view', 'admin'], namespaces: 'all' }],
    };
    expect(readSecurity(content, noKubernetes)).toEqual(content);
  });

  it('names a kubeconfig, or uses the default one', () => {
    const credentials = new Credentials(plainKubeConfig('http://10.0.0.1', 'reviewer'));
    const files: (string | undefined)[] = [];
    const find = (file: string | undefined) => {
      files.push(file);
      return credentials;
    };
    const named = { kubernetes: { kubeconfig: '/etc/sonde/kubeconfig', audiences: ['sonde'] }, roles };
    expect(readSecurity(named, find).kubernetes).toEqual({ audiences: ['sonde'], credentials });
    readSecurity({ kubernetes: {}, roles }, find);
    expect(files).toEqual(['/etc/sonde/kubeconfig', undefined]);
  });

  it('is rejected with all errors if it is empty or invalid', () => {
    for (const content of [undefined, null, '', [], 'tokens']) expect(problems(content)).not.toEqual([]);
    expect(
      problems({
        token: [],
        tokens: [{ name: 'ci', token: 'secret', sha256: 'x', groups: 'team' }],
        roles: [{ name: 'shop', group: ['a'], rights: ['see'], namespaces: '*' }],
      }),
    ).toEqual(
      expect.arrayContaining([
        'the file has the unknown setting "token"',
        'tokens/0 has the unknown setting "token"',
        'tokens/0/groups must be array',
        'roles/0 has the unknown setting "group"',
        expect.stringContaining('roles/0/rights/0 must be equal to one of'),
        expect.stringContaining('roles/0/namespaces'),
      ]),
    );
  });

  it('names the new setting for a renamed one', () => {
    const provider = {
      ...{ issuer: 'https://id.example.com', audiences: ['sonde'] },
      ...{ algorithms: ['RS256'], clockToleranceSeconds: 60 },
    };
    expect(problems({ openIdProviders: [provider], roles })).toEqual(
      expect.arrayContaining([
        'openIdProviders/0: "audiences" was renamed to "allowedAudiences"',
        'openIdProviders/0: "algorithms" was renamed to "allowedAlgorithms"',
        'openIdProviders/0: "clockToleranceSeconds" was renamed to "clockTolerance"',
      ]),
    );
  });

  it('has durations as numbers with units', () => {
    const provider = { issuer: 'https://id.example.com', allowedAudiences: ['sonde'] };
    const read = (clockTolerance: string) =>
      readSecurity({ openIdProviders: [{ ...provider, clockTolerance }], roles }, noKubernetes);
    expect(read('90s').openIdProviders).toEqual([{ ...provider, clockToleranceMs: 90_000 }]);
    expect(() => read('90')).toThrow('clockTolerance "90" is not a duration');
  });
});
