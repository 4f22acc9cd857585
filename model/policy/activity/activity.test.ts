import { describe, expect, it } from 'vitest';
import { calico, namespace, networkPolicy } from '@sonde/test/builders/manifests';
import { type TierActivity, policyActivity } from './activity.js';
import { countPolicyTraffic, type StepTraffic } from './policy-counters.js';

const OBJECTS = [
  namespace('shop'),
  calico('Tier', 'security', { order: 10, defaultAction: 'Pass' }),
  calico('GlobalNetworkPolicy', 'security.late', { tier: 'security', ingress: [{ action: 'Pass' }] }),
  calico('GlobalNetworkPolicy', 'security.first', {
    tier: 'security',
    order: 1,
    egress: [{ action: 'Pass' }],
  }),
  calico('StagedNetworkPolicy', 'shop/default.trial', { order: 5, stagedAction: 'Delete' }),
  networkPolicy('shop/web', { podSelector: {}, ingress: [{}] }),
  calico('GlobalNetworkPolicy', 'lost.one', { tier: 'lost' }),
];

const traffic = (step: string, fields: Partial<StepTraffic> = {}): StepTraffic => ({
  ...{ step, direction: 'egress', flows: 1, connections: 1, bytes: 10, lastMs: 1 },
  ...fields,
});

function layout(tiers: readonly TierActivity[]) {
  return tiers.map(({ name, policies }) => [name, ...policies.map(({ object }) => object.metadata.name)]);
}

describe('policy activity', () => {
  it('has tiers from left to right and policies from top to bottom, staged ones too', () => {
    const { tiers, problems } = policyActivity(OBJECTS, new Map(), new Map());
    expect(problems).toEqual([]);
    expect(layout(tiers)).toEqual([
      ['security', 'security.first', 'security.late'],
      ['default', 'default.trial', 'web'],
      ['lost', 'lost.one'],
    ]);
    expect(tiers.map(({ order, defaultAction, exists }) => [order, defaultAction, exists])).toEqual([
      [10, 'pass', true],
      [1_000_000, 'deny', true],
      [undefined, 'deny', false],
    ]);
    expect(tiers[1]?.policies[0]).toMatchObject({ staged: 'Delete', order: 5, directions: ['ingress'] });
    expect(tiers[0]?.policies[1]).toMatchObject({ staged: undefined, order: undefined });
  });

  it('says what each policy did, and what else decided', () => {
    const enforced = countPolicyTraffic([
      traffic('security|gnp:security.first|pass|0'),
      traffic('__PROFILE__|pro:kns.shop|allow|0'),
      traffic('default|knp:shop/web|allow|0', { direction: 'ingress', flows: 2, lastMs: 7 }),
    ]);
    const { tiers, others } = policyActivity(OBJECTS, enforced, new Map());
    const hits = tiers.flatMap(({ policies }) => policies).map(({ enforced: own }) => own?.lastMs);
    expect(hits).toEqual([1, undefined, undefined, 7, undefined]);
    expect(others.map(({ place }) => place)).toEqual(['__PROFILE__|pro:kns.shop']);
  });

  it('names objects that cannot be used', () => {
    const broken = networkPolicy('shop/broken', { podSelector: {}, moons: 3 });
    const { problems } = policyActivity([...OBJECTS, broken], new Map(), new Map());
    expect(problems.map(({ object, reason }) => [object.metadata.name, reason])).toEqual([
      ['broken', expect.stringContaining('moons')],
    ]);
  });
});

describe('policy counters', () => {
  it('are by place, of both directions together and by rule apart', () => {
    const hits = countPolicyTraffic([
      traffic('default|knp:shop/a|allow|0', { lastMs: 3 }),
      traffic('default|knp:shop/a|allow|0', { direction: 'ingress', flows: 2 }),
      traffic('default|knp:shop/a|deny|-1'),
      traffic('default|knp:shop/b|allow|0'),
    ]);
    const both = hits.get('default|knp:shop/a');
    expect(both?.rules.map(({ direction, rule, action }) => `${direction} ${rule} ${action}`)).toEqual([
      'egress 0 allow',
      'ingress 0 allow',
      'egress -1 deny',
    ]);
    expect(both?.actions.get('allow')).toEqual({ flows: 3, connections: 2, bytes: 20 });
    expect(both?.lastMs).toBe(3);
  });
});
