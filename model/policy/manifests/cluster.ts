import { formatAddress } from '../../net/address.js';
import { Controllers } from '../../cluster/controllers.js';
import { type KubernetesObject, objectKey, type Pod } from '../../cluster/objects.js';
import { PolicyEvaluator } from '../evaluator.js';
import { Fields, type FieldProblem } from '../resources/fields.js';
import type { PolicyResource } from '../read-object.js';
import { readPod, type ManifestPod } from './kubernetes.js';
import { isPolicyInput, PolicyObjects, type ServiceBackends } from './policy-objects.js';

/** A cluster as manifests describe it, ready for the evaluation of connections. */
export interface ManifestCluster {
  readonly evaluator: PolicyEvaluator;
  /** Pods by `namespace/name`. */
  readonly pods: ReadonlyMap<string, ManifestPod>;
  /** Pods by `namespace/workload`, with the name of the workload at the top of the owner chain. */
  readonly podsByWorkload: ReadonlyMap<string, readonly ManifestPod[]>;
  /** Pods by address. */
  readonly podsByAddress: ReadonlyMap<string, ManifestPod>;
  /** Names of nodes by address. */
  readonly nodesByAddress: ReadonlyMap<string, string>;
  /** Services by `namespace/name`. */
  readonly services: ReadonlyMap<string, ServiceBackends>;
  /** Services by virtual address. */
  readonly servicesByAddress: ReadonlyMap<string, ServiceBackends>;
  /** Addresses by domain name; undefined if DNS answers are unknown. */
  readonly dns: ReadonlyMap<string, readonly Uint8Array[]> | undefined;
  /** Namespaces of pods for which there is no Namespace object. */
  readonly missingNamespaces: readonly string[];
  readonly resources: readonly PolicyResource[];
}

/** A problem with an object, by its index in the list that was read. */
export interface ObjectProblem extends FieldProblem {
  readonly object: number;
}

/**
 * Builds a cluster from Kubernetes objects of any kind. Objects that policies do not depend on, and objects with problems,
 * are ignored.
 */
export function readManifestCluster(
  objects: readonly KubernetesObject[],
  dns?: ReadonlyMap<string, readonly Uint8Array[]>,
): { cluster: ManifestCluster; problems: ObjectProblem[] } {
  const problems: ObjectProblem[] = [];
  const policyObjects = new PolicyObjects(new PolicyEvaluator({ cacheCapacity: 1 << 14 }));
  const { evaluator, namespaces, nodesByAddress, services, servicesByAddress } = policyObjects;
  const controllers = new Controllers();
  const podObjects: Pod[] = [];
  const pods: ManifestPod[] = [];
  const texts = new Map<string, string>();
  for (const [index, object] of objects.entries()) {
    const key = objectKey(object);
    const text = JSON.stringify(object);
    const before = texts.get(key);
    if (before === text) continue;
    const found: FieldProblem[] = [];
    if (before === undefined) {
      texts.set(key, text);
      if (object.kind === 'Pod') {
        const pod = readPod(new Fields(object, '', found));
        if (found.length === 0) {
          pods.push(pod);
          podObjects.push(object as Pod);
          policyObjects.apply(object);
        }
      } else found.push(...policyObjects.apply(object));
      controllers.apply(object);
    } else if (isPolicyInput(object)) {
      found.push({ field: 'metadata.name', reason: 'is that of another, different object of the same kind' });
    }
    problems.push(...found.map((problem) => ({ ...problem, object: index })));
  }
  policyObjects.selectBackends();
  if (dns) {
    evaluator.markDomainsKnown();
    for (const [name, addresses] of dns) evaluator.setDomain(name, addresses);
  }
  const holding = pods.filter(({ hostNetwork, finished }) => !hostNetwork && !finished);
  const cluster: ManifestCluster = {
    evaluator,
    pods: new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod])),
    podsByWorkload: podsByWorkload(pods, podObjects, controllers),
    podsByAddress: podsByAddress(holding),
    nodesByAddress,
    services,
    servicesByAddress,
    dns,
    missingNamespaces: [...new Set(pods.map(({ namespace }) => namespace))].filter(
      (name) => !namespaces.has(name),
    ),
    resources: policyObjects.resources,
  };
  return { cluster, problems };
}

function podsByAddress(pods: readonly ManifestPod[]): ReadonlyMap<string, ManifestPod> {
  return new Map(
    pods.flatMap((pod) => pod.addresses.map((address) => [formatAddress(address), pod] as const)),
  );
}

function podsByWorkload(
  pods: readonly ManifestPod[],
  objects: readonly Pod[],
  controllers: Controllers,
): ReadonlyMap<string, readonly ManifestPod[]> {
  const byWorkload = new Map<string, ManifestPod[]>();
  for (const [index, pod] of pods.entries()) {
    const object = objects[index];
    if (!object) continue;
    const key = `${pod.namespace}/${controllers.workloadOf(object).name}`;
    byWorkload.set(key, [...(byWorkload.get(key) ?? []), pod]);
  }
  return byWorkload;
}
