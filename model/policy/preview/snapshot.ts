import { type KubernetesObject, objectKey } from '../../cluster/objects.js';
import type { PolicyEvaluator } from '../evaluator.js';
import { isPortNames } from '../history/port-names.js';
import { type ObjectProblem, readManifestCluster } from '../manifests/cluster.js';
import type { ServiceBackends } from '../manifests/policy-objects.js';
import type { EndpointPort } from '../resources/endpoints.js';
import { SnapshotPods } from './snapshot-pods.js';
import { SelectingServices } from './services.js';

/** All policies at a time, or after a change, with everything they depend on, ready to evaluate flows. */
export interface PolicySnapshot {
  readonly objects: readonly KubernetesObject[];
  readonly evaluator: PolicyEvaluator;
  readonly services: SelectingServices;
  /** Services by address, with their endpoints from EndpointSlices. */
  readonly backends: ReadonlyMap<string, ServiceBackends>;
  readonly pods: SnapshotPods;
  /** Problems with objects; an object with problems is ignored. */
  readonly problems: readonly ObjectProblem[];
}

/** Builds a snapshot from objects of the policy history. DNS answers are added from flows. */
export function createPolicySnapshot(objects: readonly KubernetesObject[]): PolicySnapshot {
  const { cluster, problems } = readManifestCluster(objects, new Map());
  const { evaluator } = cluster;
  const services = new SelectingServices(objects);
  // Their backends are known by pod, not by address.
  for (const { namespace, name } of services.all) evaluator.setService({ namespace, name, endpoints: [] });
  const pods = new SnapshotPods(services, portNamesOf(objects));
  return { objects, evaluator, services, backends: cluster.servicesByAddress, pods, problems };
}

/** The port names of pods, by `namespace/labels`. */
function portNamesOf(objects: readonly KubernetesObject[]): ReadonlyMap<string, readonly EndpointPort[]> {
  const named = objects.filter(isPortNames);
  return new Map(
    named.map(({ metadata, spec }) => [`${metadata.namespace ?? ''}/${metadata.name}`, spec.ports] as const),
  );
}

/** A change of policies or of objects that they depend on. */
export interface PolicyChange {
  /** Objects to add, or to replace by kind and name. */
  readonly apply: readonly KubernetesObject[];
  /** Objects to remove, by kind and name. */
  readonly remove: readonly KubernetesObject[];
}

/** The objects after a change, and the objects to remove that do not exist. */
export function changedObjects(
  objects: readonly KubernetesObject[],
  { apply, remove }: PolicyChange,
): { readonly objects: readonly KubernetesObject[]; readonly missing: readonly KubernetesObject[] } {
  const touched = new Set([...apply, ...remove].map(resourceKey));
  const there = new Set(objects.map(resourceKey));
  return {
    objects: [...objects.filter((object) => !touched.has(resourceKey(object))), ...apply],
    missing: remove.filter((object) => !there.has(resourceKey(object))),
  };
}

/** Key of an object, the same in both of Calico's API groups. */
function resourceKey(object: KubernetesObject): string {
  return objectKey(object).replace(/^crd\.projectcalico\.org\/v1 /, 'projectcalico.org/v3 ');
}
