import { CALICO_API_VERSIONS } from '@sonde/model/policy/policy-kinds';
import { POLICY_RESOURCE_KINDS } from '@sonde/model/policy/read-object';
import { UNSUPPORTED_POLICY_KINDS } from './unsupported-policies.js';

/** A kind of object that is watched. */
export interface WatchedResource {
  readonly kind: string;
  /** API versions (`group/version`), preferred first; `Discovery` selects the one that is watched. */
  readonly versions: readonly string[];
  /** Name of the kind in API paths. */
  readonly plural: string;
  /** `metadata` if only names, labels and owners matter, `objects` if the whole object does. */
  readonly needs: 'objects' | 'metadata';
}

/**
 * All watched kinds. A policy kind that is evaluated is watched, too. Of workload kinds only those between a pod and
 * its workload are watched: a pod names its StatefulSet or DaemonSet itself, its ReplicaSet or Job names the
 * Deployment or CronJob.
 */
export const WATCHED_RESOURCES: readonly WatchedResource[] = [
  resource('Node', ['v1']),
  resource('Namespace', ['v1'], 'metadata'),
  resource('ServiceAccount', ['v1'], 'metadata'),
  resource('ReplicaSet', ['apps/v1'], 'metadata'),
  resource('Job', ['batch/v1'], 'metadata'),
  resource('Pod', ['v1']),
  resource('Service', ['v1']),
  resource('EndpointSlice', ['discovery.k8s.io/v1']),
  ...POLICY_RESOURCE_KINDS.map(({ kind, apiVersions }) => resource(kind, apiVersions)),
  resource('BlockAffinity', CALICO_API_VERSIONS),
  ...UNSUPPORTED_POLICY_KINDS.map(({ kind, group, versions }) =>
    resource(
      kind,
      versions.map((version) => `${group}/${version}`),
      'metadata',
    ),
  ),
];

/** Whether a kind is one of Calico's, which a cluster may serve in two API groups. */
export function isCalicoResource({ versions }: WatchedResource): boolean {
  return versions === CALICO_API_VERSIONS;
}

/** Kinds that identify workloads and nodes, without being part of any verdict. */
const IDENTITY_KINDS = new Set(['ReplicaSet', 'Job', 'BlockAffinity']);

/** Whether verdicts are unknown while the objects of a kind are. */
export function affectsVerdicts({ kind }: WatchedResource): boolean {
  return !IDENTITY_KINDS.has(kind);
}

/** The name of a kind as in `kubectl get`, for example `networkpolicies.networking.k8s.io`. */
export function kindName({ plural, versions: [version = ''] }: WatchedResource): string {
  const [group = ''] = version.includes('/') ? version.split('/') : [];
  return group === '' ? plural : `${plural}.${group}`;
}

/** The path of all objects of a kind, in every namespace. */
export function collectionPath(version: string, plural: string): string {
  return `${version.includes('/') ? '/apis' : '/api'}/${version}/${plural}`;
}

function resource(
  kind: string,
  versions: readonly string[],
  needs: WatchedResource['needs'] = 'objects',
): WatchedResource {
  return { kind, versions, plural: pluralOf(kind), needs };
}

/** The plural of a kind, as `kubectl api-resources` lists it. */
function pluralOf(kind: string): string {
  return kind.toLowerCase().replace(/y$/, 'ie') + 's';
}
