import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { allowManifest } from './allow-manifest.js';
import type { Evaluated, Verdict } from './evaluated.js';

const denied: Verdict = {
  verdict: 'deny',
  egress: { verdict: 'allow', trace: ['0|default|np:a/x|allow|0'] },
  ingress: { verdict: 'deny', trace: ['0|security|gnp:security.pci|deny|1'] },
};
const end = { kind: 'pod', serviceAccount: '', address: '192.0.2.1' };
const evaluated: Evaluated = {
  ...denied,
  pending: denied,
  notes: [],
  ends: {
    from: [{ ...end, namespace: 'attacker', labels: 'app=attacker' }],
    to: [{ ...end, namespace: 'shop', labels: 'app=backend,zone=restricted' }],
  },
};

it('allows the client at the server, in the tier that denied it', () => {
  expect(parse(allowManifest(evaluated, true))).toMatchObject({
    kind: 'NetworkPolicy',
    metadata: { namespace: 'shop' },
    spec: {
      tier: 'security',
      selector: "app == 'backend' && zone == 'restricted'",
      types: ['Ingress'],
      ingress: [{ action: 'Allow', source: { selector: "app == 'attacker'" } }],
    },
  });
});

it('is a Kubernetes policy where no Calico policy denied', () => {
  expect(parse(allowManifest(evaluated, false))).toMatchObject({
    apiVersion: 'networking.k8s.io/v1',
    spec: { podSelector: { matchLabels: { app: 'backend' } }, policyTypes: ['Ingress'] },
  });
});
