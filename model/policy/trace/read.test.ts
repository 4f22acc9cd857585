import { describe, expect, it } from 'vitest';
import { readEntry, readTrace, TraceError } from './read.js';

const parts = (text: string) => {
  const { kind, namespace, name } = readEntry(text);
  return [kind, namespace, name];
};

describe('trace entries', () => {
  it('of Calico 3.32 and later name the kind, the namespace and the name', () => {
    expect(readEntry('0|tier1|np:default/tier1.np1-1|pass|0')).toEqual({
      index: 0,
      tier: 'tier1',
      kind: 'np',
      namespace: 'default',
      name: 'np1-1',
      action: 'pass',
      rule: 0,
    });
    expect(parts('0|kube-admin|kcnp:pass-ingress|pass|0')).toEqual(['kcnp', '', 'pass-ingress']);
    expect(parts('1|tier2|snp:default/tier2.np2-1|deny|-1')).toEqual(['snp', 'default', 'np2-1']);
    expect(parts('1|default|knp:shop/web|deny|-1')).toEqual(['knp', 'shop', 'web']);
    expect(parts('1|__PROFILE__|pro:kns.default|allow|0')).toEqual(['pro', '', 'kns.default']);
  });

  it('of Calico 3.30 and 3.31 have the tier before the name and "staged:" after the tier', () => {
    expect(parts('0|default|default.allow-ssh-maintenance|allow|0')).toEqual([
      'gnp',
      '',
      'allow-ssh-maintenance',
    ]);
    expect(parts('0|default|policy-demo/default.access-nginx|allow|2')).toEqual([
      'np',
      'policy-demo',
      'access-nginx',
    ]);
    expect(parts('0|default|shop/knp.default.web|allow|2')).toEqual(['knp', 'shop', 'web']);
    expect(parts('0|default|shop/staged:knp.default.web|allow|2')).toEqual(['sknp', 'shop', 'web']);
    expect(parts('0|namespace-isolation|curl-ns/namespace-isolation.staged:curl-ns-vfzgh|allow|3')).toEqual([
      'snp',
      'curl-ns',
      'curl-ns-vfzgh',
    ]);
    expect(parts('0|tier1|tier1.staged:all|deny|0')).toEqual(['sgnp', '', 'all']);
    expect(parts('1|__PROFILE__|__PROFILE__.kns.curl-ns|allow|0')).toEqual(['pro', '', 'kns.curl-ns']);
    expect(parts('0|adminnetworkpolicy|kanp.adminnetworkpolicy.x|pass|0')).toEqual(['kanp', '', 'x']);
    expect(parts('0|baselineadminnetworkpolicy|kbanp.baselineadminnetworkpolicy.default|deny|0')).toEqual([
      'kbanp',
      '',
      'default',
    ]);
  });

  it('of Enterprise\'s documents have "staged:" before the tier', () => {
    expect(parts('0|tier1|ns2/staged:tier1.policy1|deny|0')).toEqual(['snp', 'ns2', 'policy1']);
    expect(parts('0|tier1|staged:tier1.policy1|deny|0')).toEqual(['sgnp', '', 'policy1']);
  });

  it('are put into the order of evaluation', () => {
    const trace = readTrace(['1|__PROFILE__|pro:kns.a|allow|0', '0|tier1|gnp:tier1.x|pass|-1']);
    expect(trace.map(({ index, rule }) => [index, rule])).toEqual([
      [0, -1],
      [1, 0],
    ]);
  });

  it('of no known form are an error that shows the text', () => {
    for (const text of ['', '0|tier', 'x|tier|gnp:a|allow|0', '0|tier|gnp:a|drop|0']) {
      expect(() => readEntry(text)).toThrow(TraceError);
    }
  });
});
