import type { KubernetesObject } from '../../cluster/objects.js';
import type { PolicyEvaluator } from '../evaluator.js';
import { isPortNames } from '../history/port-names.js';
import { objectKey } from '../history/object-version.js';
import { type ObjectProblem, readManifestCluster, type ServiceBackends } from '../manifests/cluster.js';
import type { EndpointPort } from '../resources/endpoints.js';
import { SnapshotPods } from './snapshot-pods.js';
import { SelectingServices } from './services.js';

/** Policies and what they look at, as they were or would be, ready to evaluate flows. */
export interface PolicySnapshot {
  readonly objects: readonly KubernetesObject[];
  readonly evaluator: PolicyEvaluator;
  readonly services: SelectingServices;
  /** Services by the text of their addresses, as `EndpointSlice`s tell of what stands behind them. */
  readonly backends: ReadonlyMap<string, ServiceBackends>;
  readonly pods: SnapshotPods;
  /** What makes objects unusable; such an object counts as absent. */
  readonly problems: readonly ObjectProblem[];
}

/** Builds a snapshot from objects of the policy history. The DNS answers are those that flows show. */
export function createPolicySnapshot(objects: readonly KubernetesObject[]): PolicySnapshot {
  const { cluster, problems } = readManifestCluster(objects, new Map());
  const { evaluator } = cluster;
  const services = new SelectingServices(objects);
  // No address stands behind them: pods are told what they serve.
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

/** A change of policies or of what they look at. */
export interface PolicyChange {
  /** Objects that are added, or take the place of those of their kind and name. */
  readonly apply: readonly KubernetesObject[];
  /** Objects that are taken out, by kind and name. */
  readonly remove: readonly KubernetesObject[];
}

/** The objects after a change, and those that it names to remove though they are not there. */
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

/** What identifies an object, whichever of Calico's two API groups it was read through. */
function resourceKey(object: KubernetesObject): string {
  return objectKey(object).replace(/^crd\.projectcalico\.org\/v1 /, 'projectcalico.org/v3 ');
}
