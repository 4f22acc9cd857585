import { describe, expect, it } from 'vitest';
import { parseAddress } from '../net/address.js';
import type { KubernetesObject } from '../cluster/objects.js';
import type { PolicyPod } from './endpoint/pods-and-nodes.js';
import { SELF } from './evaluate/connection.js';
import { PolicyEvaluator } from './evaluator.js';
import { calico, networkPolicy } from '@sonde/test/builders/manifests';
import { TCP } from '../net/protocol.js';
import { readPolicyObject } from './read-object.js';

function apply(evaluator: PolicyEvaluator, object: KubernetesObject): void {
  const reading = readPolicyObject(object);
  if (reading.is !== 'resource') throw new Error(JSON.stringify(reading));
  evaluator.apply(reading.resource);
}

const pod = (app: string, more: Partial<PolicyPod> = {}): PolicyPod => ({
  namespace: 'shop',
  labels: { app },
  serviceAccount: 'default',
  ports: [],
  ...more,
});

const onlyFromClients = networkPolicy('shop/p', {
  podSelector: { matchLabels: { app: 'web' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
});

describe('identities', () => {
  it('are shared by pods that no policy can tell apart', () => {
    const evaluator = new PolicyEvaluator();
    apply(evaluator, onlyFromClients);
    const identity = (labels: Record<string, string>, address: string) =>
      evaluator.identify(parseAddress(address), 0, pod('', { labels }));
    expect(identity({ app: 'web', replica: '1' }, '10.0.0.1')).toBe(
      identity({ app: 'web', replica: '2' }, '10.0.0.2'),
    );
    expect(identity({ app: 'web' }, '10.0.0.1')).not.toBe(identity({ app: 'client' }, '10.0.0.1'));
  });

  it('tell addresses apart only where a policy looks at them', () => {
    const evaluator = new PolicyEvaluator();
    const identity = (address: string) => evaluator.identify(parseAddress(address));
    expect(identity('192.0.2.1')).toBe(identity('198.51.100.1'));
    expect(identity('192.0.2.1')).not.toBe(identity('2001:db8::1'));
    apply(
      evaluator,
      networkPolicy('shop/p', { ingress: [{ from: [{ ipBlock: { cidr: '192.0.2.0/25' } }] }] }),
    );
    expect(identity('192.0.2.1')).toBe(identity('192.0.2.2'));
    expect(identity('192.0.2.1')).not.toBe(identity('192.0.2.200'));
  });

  it('must be taken again when the generation changes, which a change that tells no more ends apart leaves', () => {
    const evaluator = new PolicyEvaluator();
    const before = evaluator.generation;
    apply(evaluator, onlyFromClients);
    const after = evaluator.generation;
    expect(after).not.toBe(before);
    apply(evaluator, networkPolicy('shop/q', { podSelector: { matchLabels: { app: 'x' } } }));
    expect(evaluator.generation).toBe(after);
    evaluator.setNamespace('shop', { team: 'a' });
    expect(evaluator.generation).not.toBe(after);
  });
});

describe('results', () => {
  const setting = () => {
    const evaluator = new PolicyEvaluator({ cacheCapacity: 64 });
    apply(evaluator, onlyFromClients);
    const identities = () => ({
      web: evaluator.identify(parseAddress('10.0.0.1'), 0, pod('web')),
      client: evaluator.identify(parseAddress('10.0.0.2'), 0, pod('client')),
      other: evaluator.identify(parseAddress('10.0.0.3'), 0, pod('other')),
    });
    const verdict = (from: 'web' | 'client' | 'other', to: 'web' | 'client' | 'other') => {
      const ids = identities();
      return evaluator.result(evaluator.evaluate(ids[from], ids[to], TCP, 80, 40_000)).verdict;
    };
    return { evaluator, identities, verdict };
  };

  it('have one number for connections with the same result', () => {
    const { evaluator, identities } = setting();
    const { web, client, other } = identities();
    const number = evaluator.evaluate(client, web, TCP, 80, 40_000);
    expect(evaluator.evaluate(client, web, TCP, 81, 50_000)).toBe(number);
    expect(evaluator.evaluate(other, web, TCP, 80, 40_000)).not.toBe(number);
    expect(evaluator.verdict(number)).toBe('allow');
    expect(evaluator.result(number)).toEqual({
      verdict: 'allow',
      egress: { verdict: 'allow', trace: ['0|__PROFILE__|pro:kns.shop|allow|0'] },
      ingress: { verdict: 'allow', trace: ['0|default|knp:shop/p|allow|0'] },
      policies: '0|__PROFILE__|pro:kns.shop|allow|0,0|default|knp:shop/p|allow|0',
      pending: {
        verdict: 'allow',
        egress: { verdict: 'allow', trace: ['0|__PROFILE__|pro:kns.shop|allow|0'] },
        ingress: { verdict: 'allow', trace: ['0|default|knp:shop/p|allow|0'] },
        policies: '0|__PROFILE__|pro:kns.shop|allow|0,0|default|knp:shop/p|allow|0',
      },
      notes: [],
    });
  });

  it('follow a policy that is changed or taken out', () => {
    const { evaluator, verdict } = setting();
    expect([verdict('client', 'web'), verdict('other', 'web')]).toEqual(['allow', 'deny']);
    apply(evaluator, networkPolicy('shop/p', { podSelector: { matchLabels: { app: 'web' } } }));
    expect([verdict('client', 'web'), verdict('other', 'web')]).toEqual(['deny', 'deny']);
    evaluator.remove({ kind: 'NetworkPolicy', namespace: 'shop', name: 'p' });
    expect([verdict('client', 'web'), verdict('other', 'web')]).toEqual(['allow', 'allow']);
  });

  it('follow labels of namespaces, network sets and tiers', () => {
    const { evaluator, verdict } = setting();
    apply(evaluator, calico('Tier', 't', { order: 1 }));
    apply(
      evaluator,
      calico('GlobalNetworkPolicy', 'g', {
        tier: 't',
        selector: "app == 'client'",
        ingress: [{ action: 'Allow', source: { selector: "has(friend) || pcns.team == 'a'" } }],
      }),
    );
    expect(verdict('other', 'client')).toBe('deny');
    apply(evaluator, calico('GlobalNetworkSet', 's', { nets: ['10.0.0.3'] }, { friend: '' }));
    expect(verdict('other', 'client')).toBe('allow');
    apply(evaluator, calico('GlobalNetworkSet', 's', { nets: ['10.0.0.3'] }, { foe: '' }));
    expect(verdict('other', 'client')).toBe('deny');
    evaluator.setNamespace('shop', { team: 'a' });
    expect(verdict('other', 'client')).toBe('allow');
    evaluator.setNamespace('shop', undefined);
    apply(evaluator, calico('Tier', 't', { order: 1, defaultAction: 'Pass' }));
    expect(verdict('other', 'client')).toBe('allow');
  });

  it('follow the labels that network sets inherit from their namespace', () => {
    const { evaluator, verdict } = setting();
    apply(evaluator, calico('NetworkSet', 'shop/s', { nets: ['10.0.0.0/24'] }));
    apply(
      evaluator,
      calico('GlobalNetworkPolicy', 'g', {
        selector: "app == 'other'",
        ingress: [{ action: 'Allow', source: { namespaceSelector: "team == 'a'", selector: '!has(app)' } }],
      }),
    );
    expect(verdict('client', 'other')).toBe('deny');
    evaluator.setNamespace('shop', { team: 'a' });
    expect(verdict('client', 'other')).toBe('allow');
  });

  it('depend on the source port only where a rule looks at it', () => {
    const { evaluator, identities } = setting();
    apply(
      evaluator,
      calico('NetworkPolicy', 'shop/s', {
        order: 1,
        selector: "app == 'web'",
        ingress: [{ action: 'Deny', protocol: 'TCP', source: { ports: [1000] } }],
      }),
    );
    const { web, client } = identities();
    const from = (port: number) => evaluator.result(evaluator.evaluate(client, web, TCP, 80, port)).verdict;
    for (let again = 0; again < 2; again++)
      expect([from(1000), from(1001), from(1000)]).toEqual(['deny', 'allow', 'deny']);
  });

  it('are allow for an end that connects to itself', () => {
    const { evaluator, identities } = setting();
    const { web } = identities();
    expect(evaluator.result(evaluator.evaluate(web, web, TCP, 80, 1, SELF)).verdict).toBe('allow');
    expect(evaluator.result(evaluator.evaluate(web, web, TCP, 80, 1)).verdict).toBe('deny');
  });

  it('and identities that were never given out are an error', () => {
    const { evaluator } = setting();
    expect(() => evaluator.result(99)).toThrow(RangeError);
    expect(() => evaluator.evaluate(99, 0, TCP, 80, 1)).toThrow(RangeError);
  });
});

describe('trim', () => {
  it('does nothing while there is little to forget', () => {
    expect(new PolicyEvaluator().trim()).toBe(false);
  });

  it('starts identities afresh after long churn, and evaluates as before', () => {
    const evaluator = new PolicyEvaluator({ cacheCapacity: 64, maxIdentities: 100 });
    apply(evaluator, onlyFromClients);
    for (let i = 0; i < 101; i++) evaluator.identify(undefined, 0, pod(`app-${i}`));
    expect(evaluator.trim()).toBe(true);
    expect(evaluator.sizes).toMatchObject({ identities: 0, results: 0, workloads: 0, policies: 1 });
    const web = evaluator.identify(parseAddress('10.0.0.1'), 0, pod('web'));
    const other = evaluator.identify(parseAddress('10.0.0.2'), 0, pod('other'));
    expect(evaluator.result(evaluator.evaluate(other, web, TCP, 80, 1)).verdict).toBe('deny');
  });
});
