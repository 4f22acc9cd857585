import { calico, namespace, networkPolicy } from '@sonde/test/builders/manifests';
import { expect, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { LivePolicies } from '../policy/live-policies.js';

const selector = `${'('.repeat(5000)}has(a)${')'.repeat(5000)}`;
const DEEP = [
  calico('GlobalNetworkPolicy', 'deep', { selector, types: ['Ingress'] }),
  calico('NetworkPolicy', 'shop/deep', { ingress: [{ action: 'Allow', source: { selector } }] }),
];

it('a policy whose selector nests too deep is told of, with its place', () => {
  const reason = 'at character 100 of the selector: parentheses are nested more than 100 deep';
  expect(contextFromObjects(DEEP).problems).toEqual([
    { object: 'GlobalNetworkPolicy/deep', field: 'spec.selector', reason },
    { object: 'NetworkPolicy/shop/deep', field: 'spec.ingress[0].source.selector', reason },
  ]);
});

it('a policy that cannot be read counts as absent, and the others hold', () => {
  const policies = new LivePolicies();
  const others = [namespace('shop'), networkPolicy('shop/web', { podSelector: {}, ingress: [] })];
  for (const object of [...DEEP, ...others]) policies.apply(object);
  expect(policies.evaluator.sizes.policies).toBe(1);
  const [, deep] = DEEP;
  policies.apply(calico('NetworkPolicy', 'shop/deep', { selector: 'has(a)' }));
  expect(policies.evaluator.sizes.policies).toBe(2);
  if (deep) policies.apply(deep);
  expect(policies.evaluator.sizes.policies).toBe(1);
});
