import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import type { PolicyEvaluator } from '@sonde/model/policy/evaluator';
import { readManifestCluster, type ManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { evaluateNamed, type ConnectionReport } from '@sonde/model/policy/manifests/connection';
import { readPolicyObject } from '@sonde/model/policy/read-object';
import { describe, expect, it } from 'vitest';
import { adminVerdict } from './naive/admin.js';
import { calicoVerdict } from './naive/calico.js';
import { labelSelector, randomConnection, randomSnapshot, type Family } from './naive/generate.js';
import { networkPolicyVerdict } from './naive/kubernetes.js';
import { manifestsOf, policyManifest } from './naive/manifests.js';
import { Random } from '../builders/random-choices.js';
import type { Connection, NetworkPolicyPeer, Pod, Policy, Verdict, Snapshot } from './naive/snapshot.js';

const WORLDS = 1500;
const CONNECTIONS = 8;

for (const family of ['kubernetes', 'admin', 'calico'] as const) {
  describe(`over random clusters with ${family} policies`, () => {
    it('the evaluator agrees with a naive one in both directions, with and without staged policies', () => {
      const met = { allow: 0, deny: 0 };
      for (let seed = 0; seed < WORLDS; seed++) {
        const random = new Random(seed);
        const snapshot = randomSnapshot(random, family);
        const cluster = clusterOf(snapshot);
        for (let i = 0; i < CONNECTIONS; i++) {
          const connection = randomConnection(random, snapshot);
          const said = verdictsOf(evaluateNamed(cluster, asked(connection)));
          const expected = {
            egress: naive(snapshot, family, 'egress', connection, false),
            ingress: naive(snapshot, family, 'ingress', connection, false),
            pendingEgress: naive(snapshot, family, 'egress', connection, true),
            pendingIngress: naive(snapshot, family, 'ingress', connection, true),
          };
          if (!isDeepStrictEqual(said, expected)) {
            expect(said, explain(seed, snapshot, connection)).toEqual(expected);
          }
          met[expected.ingress === 'deny' || expected.egress === 'deny' ? 'deny' : 'allow']++;
        }
      }
      // Agreement says little if one of the verdicts is rare.
      expect(Math.min(met.allow, met.deny)).toBeGreaterThan((WORLDS * CONNECTIONS) / 10);
    });

    it('an evaluator that applied changes one by one agrees with one that was created with them', () => {
      for (let seed = 0; seed < 150; seed++) {
        const random = new Random(seed + 50_000);
        const snapshot = randomSnapshot(random, family);
        const cluster = clusterOf(snapshot);
        const connections = random.some(12, 12, () => randomConnection(random, snapshot));
        let current = snapshot;
        for (let change = 0; change < 6; change++) {
          for (const connection of connections) evaluateNamed(cluster, asked(connection));
          current = changed(random, cluster.evaluator, current, family);
          const fresh = clusterOf(current);
          for (const connection of connections) {
            const one = evaluateNamed(cluster, asked(connection));
            const other = evaluateNamed(fresh, asked(connection));
            if (!isDeepStrictEqual(one, other))
              expect(one, explain(seed, current, connection)).toEqual(other);
          }
        }
      }
    });
  });
}

describe('over random clusters with Kubernetes policies', () => {
  it('the order of policies, rules, peers and ports does not change verdicts', () => {
    for (let seed = 0; seed < 400; seed++) {
      const random = new Random(seed + 100_000);
      const snapshot = randomSnapshot(random, 'kubernetes');
      const shuffled = {
        ...snapshot,
        policies: random.shuffled(snapshot.policies).map((policy) => shuffledRules(random, policy)),
      };
      const [one, other] = [clusterOf(snapshot), clusterOf(shuffled)];
      for (let i = 0; i < CONNECTIONS; i++) {
        const connection = asked(randomConnection(random, snapshot));
        expect(verdictsOf(evaluateNamed(other, connection)), `seed ${seed}`).toEqual(
          verdictsOf(evaluateNamed(one, connection)),
        );
      }
    }
  });

  it('allowed connections stay allowed when a peer of a rule is widened', () => {
    for (let seed = 0; seed < 400; seed++) {
      const random = new Random(seed + 200_000);
      const snapshot = randomSnapshot(random, 'kubernetes');
      const wider = clusterOf({
        ...snapshot,
        policies: snapshot.policies.map((policy) => widened(random, policy)),
      });
      const cluster = clusterOf(snapshot);
      for (let i = 0; i < CONNECTIONS; i++) {
        const connection = asked(randomConnection(random, snapshot));
        if (evaluateNamed(cluster, connection).verdict !== 'allow') continue;
        expect(evaluateNamed(wider, connection).verdict, `seed ${seed}`).toBe('allow');
      }
    }
  });
});

function clusterOf(snapshot: Snapshot): ManifestCluster {
  const { cluster, problems } = readManifestCluster(manifestsOf(snapshot), new Map());
  expect(problems).toEqual([]);
  return cluster;
}

function asked({ from, to, ...rest }: Connection): object {
  const name = (end: Pod | string) => (typeof end === 'string' ? end : `${end.namespace}/${end.name}`);
  return { from: name(from), to: name(to), ...rest };
}

function verdictsOf({ egress, ingress, pending }: ConnectionReport): Record<string, string> {
  return {
    egress: egress.verdict,
    ingress: ingress.verdict,
    pendingEgress: pending.egress.verdict,
    pendingIngress: pending.ingress.verdict,
  };
}

function naive(
  snapshot: Snapshot,
  family: Family,
  direction: 'ingress' | 'egress',
  connection: Connection,
  staged: boolean,
): Verdict {
  const end = direction === 'egress' ? connection.from : connection.to;
  if (typeof end === 'string') return 'allow';
  if (family === 'calico') return calicoVerdict(snapshot, end, direction, connection, staged);
  if (family === 'admin') return adminVerdict(snapshot, end, direction, connection);
  return networkPolicyVerdict(snapshot, end, direction, connection) ?? 'allow';
}

/** Applies a random change to the evaluator, and returns the changed cluster. */
function changed(random: Random, evaluator: PolicyEvaluator, snapshot: Snapshot, family: Family): Snapshot {
  const other = randomSnapshot(random, family);
  switch (random.below(6)) {
    case 0: {
      const [namespace] = other.namespaces;
      if (!namespace) return snapshot;
      evaluator.setNamespace(namespace.name, namespace.labels);
      const kept = snapshot.namespaces.filter(({ name }) => name !== namespace.name);
      return { ...snapshot, namespaces: [...kept, namespace] };
    }
    case 1:
      for (const { namespace, name } of snapshot.sets)
        evaluator.remove({ kind: 'NetworkSet', namespace, name });
      applyAll(evaluator, manifestsOf({ ...NOTHING, sets: other.sets }));
      return { ...snapshot, sets: other.sets };
    case 2:
      applyAll(evaluator, manifestsOf({ ...NOTHING, tiers: other.tiers }));
      return { ...snapshot, tiers: other.tiers };
    default:
      return { ...snapshot, policies: changedPolicies(random, evaluator, snapshot.policies, other.policies) };
  }
}

const NOTHING: Snapshot = { namespaces: [], pods: [], sets: [], tiers: [], policies: [] };

/** Removes a policy, replaces one by another of its kind, or adds one. */
function changedPolicies(
  random: Random,
  evaluator: PolicyEvaluator,
  policies: readonly Policy[],
  others: readonly Policy[],
): readonly Policy[] {
  const old = policies[random.below(policies.length + 1)];
  const rest = policies.filter((policy) => policy !== old);
  if (old && random.oneIn(3)) {
    const reading = readPolicyObject(policyManifest(old));
    const namespace = 'namespace' in old ? old.namespace : '';
    if (reading.is === 'resource')
      evaluator.remove({ kind: reading.resource.kind, namespace, name: old.name });
    return rest;
  }
  const made = others.find((policy) => !old || kindOf(policy) === kindOf(old));
  if (!made) return policies;
  const name = kindOf(made) === 'BaselineAdminNetworkPolicy' ? 'default' : `new-${random.below(1000)}`;
  const policy: Policy = { ...made, ...(old ? placeOf(old) : { name }) };
  applyAll(evaluator, [policyManifest(policy)]);
  return [...rest.filter((other) => !isSameObject(other, policy)), policy];
}

function applyAll(evaluator: PolicyEvaluator, objects: readonly KubernetesObject[]): void {
  for (const object of objects) {
    const reading = readPolicyObject(object);
    expect(reading).toMatchObject({ is: 'resource' });
    if (reading.is === 'resource') evaluator.apply(reading.resource);
  }
}

function kindOf(policy: Policy): string {
  return policy.api === 'kubernetes' ? 'kubernetes' : policy.kind;
}

function placeOf(policy: Policy): { name: string; namespace?: string } {
  return policy.api === 'admin' ? { name: policy.name } : { name: policy.name, namespace: policy.namespace };
}

function isSameObject(a: Policy, b: Policy): boolean {
  return (
    a.api === b.api && kindOf(a) === kindOf(b) && JSON.stringify(placeOf(a)) === JSON.stringify(placeOf(b))
  );
}

function shuffledRules(random: Random, policy: Policy): Policy {
  if (policy.api !== 'kubernetes') return policy;
  const shuffle = (direction: 'ingress' | 'egress', peers: 'from' | 'to') => {
    const rules = policy.spec[direction];
    if (!rules) return {};
    return {
      [direction]: random.shuffled(rules).map((rule) => ({
        ...rule,
        ...(rule[peers] ? { [peers]: random.shuffled(rule[peers]) } : {}),
        ...(rule.ports ? { ports: random.shuffled(rule.ports) } : {}),
      })),
    };
  };
  return { ...policy, spec: { ...policy.spec, ...shuffle('ingress', 'from'), ...shuffle('egress', 'to') } };
}

/** The policy with one more peer in some rules, or with a wider peer. */
function widened(random: Random, policy: Policy): Policy {
  if (policy.api !== 'kubernetes') return policy;
  const widen = (direction: 'ingress' | 'egress', peers: 'from' | 'to') => {
    const rules = policy.spec[direction];
    if (!rules) return {};
    return {
      [direction]: rules.map((rule) => {
        const given = rule[peers];
        // An empty list of peers already matches every peer.
        if (!given || given.length === 0) return rule;
        return { ...rule, [peers]: [...given.map((peer) => widerPeer(random, peer)), randomPeer(random)] };
      }),
    };
  };
  return { ...policy, spec: { ...policy.spec, ...widen('ingress', 'from'), ...widen('egress', 'to') } };
}

function widerPeer(random: Random, peer: NetworkPolicyPeer): NetworkPolicyPeer {
  if (random.oneIn(2)) return peer;
  if (peer.ipBlock) return { ipBlock: { cidr: peer.ipBlock.cidr } };
  return {
    ...peer,
    ...(peer.podSelector ? { podSelector: {} } : {}),
    ...(random.oneIn(2) ? { namespaceSelector: {} } : {}),
  };
}

function randomPeer(random: Random): NetworkPolicyPeer {
  return { namespaceSelector: labelSelector(random), podSelector: labelSelector(random) };
}

function explain(seed: number, snapshot: Snapshot, connection: Connection): string {
  return JSON.stringify({ seed, connection: asked(connection), ...snapshot }, null, 1);
}
