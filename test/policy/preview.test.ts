import { formatAddress, parseAddress } from '@sonde/model/net/address';
import { canonicalLabels } from '@sonde/model/cluster/identity';
import type { KubernetesObject, Pod as PodObject } from '@sonde/model/cluster/objects';
import { UNRELATED } from '@sonde/model/policy/evaluate/connection';
import { PortNamesOfPods } from '@sonde/model/policy/history/port-names';
import { addressBoundaries } from '@sonde/model/policy/preview/address-boundaries';
import type { FlowEndpoint, FlowIdentity } from '@sonde/model/policy/preview/flow-identity';
import { evaluateFlows } from '@sonde/model/policy/preview/evaluate-flows';
import { previewFlows } from '@sonde/model/policy/preview/preview';
import { changedObjects, createPolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { protocolNumber } from '@sonde/model/net/protocol';
import { describe, expect, it } from 'vitest';
import { adminVerdict } from './naive/admin.js';
import { calicoVerdict } from './naive/calico.js';
import { type Family, randomConnection, randomSnapshot } from './naive/generate.js';
import { networkPolicyVerdict } from './naive/kubernetes.js';
import { manifestsOf, policyManifest } from './naive/manifests.js';
import { Random } from '../builders/random-choices.js';
import type { Connection, Pod, Policy, Snapshot } from './naive/snapshot.js';

const WORLDS = 250;
const FLOWS = 12;
/** Far more than needed: a busy machine must not fail the tests. */
const TIMEOUT_MS = 180_000;

interface NamedFlow extends FlowIdentity {
  readonly index: number;
}

describe.each(['kubernetes', 'admin', 'calico'] as const)(
  'over random clusters with %s policies',
  (family) => {
    it('the preview of a change lists exactly the flows that get a different verdict', () => {
      let differing = 0;
      for (let seed = 0; seed < WORLDS; seed++) {
        const random = new Random(seed + 300_000);
        const snapshot = withAlikePorts(randomSnapshot(random, family));
        const { changed, apply, remove } = randomChange(random, snapshot, family);
        const connections = Array.from({ length: FLOWS }, () => randomConnection(random, snapshot));
        const flows = connections.map(flowOf);

        const objects = recorded(snapshot);
        const after = createPolicySnapshot(changedObjects(objects, { apply, remove }).objects);
        for (const view of ['enforced', 'pending'] as const) {
          const preview = previewFlows(createPolicySnapshot(objects), after, flows, view);
          const said = preview.changed.map(({ flow, before, after: later }) => [
            flow.index,
            before.verdict,
            later.verdict,
          ]);
          const expected = connections.flatMap((connection, index) => {
            const one = naive(snapshot, family, connection, false);
            const other = naive(changed, family, connection, view === 'pending');
            return one === other ? [] : [[index, one, other]];
          });
          expect(said, `seed ${seed}`).toEqual(expected);
          differing += expected.length;
        }
      }
      // A change without effect would prove nothing.
      expect(differing).toBeGreaterThan(WORLDS / 2);
    });

    it('addresses between two boundaries get the same verdict', () => {
      for (let seed = 0; seed < 60; seed++) {
        const random = new Random(seed + 400_000);
        const snapshot = createPolicySnapshot(recorded(withAlikePorts(randomSnapshot(random, family))));
        const boundaries = addressBoundaries(snapshot.evaluator.addressPrefixes).map((one) =>
          formatAddress(one),
        );
        const classOf = (address: string) =>
          boundaries.filter((boundary) => hexadecimal(boundary) <= hexadecimal(address)).length;
        const verdicts = new Map<string, string>();
        const { pods } = randomSnapshot(new Random(seed + 400_000), family);
        const pod = random.pick(pods);
        for (let i = 0; i < 40; i++) {
          const address = randomAddress(random, boundaries);
          const flow = { ...flowOf({ from: pod, to: address, protocol: 'TCP', port: 80, sourcePort: 1 }, 0) };
          const [evaluated] = evaluateFlows(snapshot, [flow], 'enforced');
          const key = `class ${classOf(address)}`;
          expect(evaluated?.policies, `seed ${seed}: ${address}`).toBe(
            verdicts.get(key) ?? evaluated?.policies,
          );
          verdicts.set(key, evaluated?.policies ?? '');
        }
      }
    });
  },
);

/** Port names are stored once for all pods that flows cannot distinguish, so those have equal ones. */
function withAlikePorts(snapshot: Snapshot): Snapshot {
  const ports = new Map(snapshot.pods.map((pod) => [groupOf(pod), pod.ports] as const));
  return {
    ...snapshot,
    pods: snapshot.pods.map((pod) => ({ ...pod, ports: ports.get(groupOf(pod)) ?? [] })),
  };
}

function groupOf({ namespace, labels }: Pod): string {
  return `${namespace}/${canonicalLabels(labels)}`;
}

/** The cluster as the policy history contains it: without pods, but with their port names. */
function recorded(snapshot: Snapshot): KubernetesObject[] {
  const names = new PortNamesOfPods();
  return manifestsOf(snapshot).flatMap((object) =>
    object.kind === 'Pod' ? (names.apply(object as PodObject) ?? []) : [object],
  );
}

function randomChange(random: Random, snapshot: Snapshot, family: Family) {
  const others = randomSnapshot(random, family).policies.filter(
    (policy) => policy.api !== 'admin' || kindOf(policy) === kindOf(snapshot.policies[0] ?? policy),
  );
  const gone = snapshot.policies.filter(() => random.oneIn(3));
  const kept = snapshot.policies.filter((policy) => !gone.includes(policy));
  const replaced = kept.filter(() => random.oneIn(3));
  const come: Policy[] = [
    ...others.slice(0, 2).map((policy, index) => renamed(policy, `new-${index}`)),
    ...replaced.flatMap((policy) => {
      const other = others.find((one) => kindOf(one) === kindOf(policy));
      return other ? [{ ...other, ...placeOf(policy) }] : [];
    }),
  ];
  const apply = come.map(policyManifest);
  const names = new Set(apply.map(nameOf));
  return {
    apply,
    remove: gone.map(policyManifest).filter((object) => !names.has(nameOf(object))),
    changed: {
      ...snapshot,
      policies: [...kept.filter((policy) => !names.has(nameOf(policyManifest(policy)))), ...come],
    },
  };
}

function renamed(policy: Policy, name: string): Policy {
  return kindOf(policy) === 'BaselineAdminNetworkPolicy' ? policy : { ...policy, name };
}

function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

function kindOf(policy: Policy): string {
  return policy.api === 'kubernetes' ? policy.api : policy.kind;
}

function placeOf(policy: Policy): { name: string; namespace?: string } {
  return policy.api === 'admin' ? { name: policy.name } : { name: policy.name, namespace: policy.namespace };
}

function flowOf({ from, to, protocol, port, sourcePort }: Connection, index: number): NamedFlow {
  return {
    ...{ index, src: endOf(from), dst: endOf(to), protocol: protocolNumber(protocol) ?? 0 },
    ...{ port, sourcePort, relation: UNRELATED, guessed: false, domain: '' },
  };
}

function endOf(end: Pod | string): FlowEndpoint {
  if (typeof end === 'string') {
    return { kind: 'external', namespace: '', labels: '', serviceAccount: '', address: parseAddress(end) };
  }
  const { namespace, labels, serviceAccount, ip } = end;
  const address = parseAddress(ip);
  return { kind: 'pod', namespace, labels: canonicalLabels(labels), serviceAccount, address };
}

function naive(snapshot: Snapshot, family: Family, connection: Connection, staged: boolean): string {
  const verdicts = (['egress', 'ingress'] as const).map((direction) => {
    const end = direction === 'egress' ? connection.from : connection.to;
    if (typeof end === 'string') return 'allow';
    if (family === 'calico') return calicoVerdict(snapshot, end, direction, connection, staged);
    if (family === 'admin') return adminVerdict(snapshot, end, direction, connection);
    return networkPolicyVerdict(snapshot, end, direction, connection) ?? 'allow';
  }, TIMEOUT_MS);
  return verdicts.includes('deny') ? 'deny' : 'allow';
}

/** An address at or near a boundary, or a random one. */
function randomAddress(random: Random, boundaries: readonly string[]): string {
  const bytes = random.oneIn(4)
    ? parseAddress(`198.51.${random.below(256)}.${random.below(256)}`)
    : parseAddress(random.pick(boundaries));
  if (random.oneIn(2)) bytes[15] = random.below(256);
  return formatAddress(bytes);
}

function hexadecimal(address: string): string {
  return Buffer.from(parseAddress(address)).toString('hex');
}
