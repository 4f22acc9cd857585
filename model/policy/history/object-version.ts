import type { KubernetesObject, ManagedFields } from '../../cluster/objects.js';
import { readPolicyObject } from '../read-object.js';

/** One version of an object that verdicts of policies depend on, as the store keeps it. */
export interface ObjectVersion {
  readonly cluster: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** Tells the versions of an object apart; the same for everybody who sees this version. */
  readonly version: string;
  /** When the object became so, in ms since 1970. */
  readonly changedAtMs: number;
  /** Whether the object is gone from then on; the manifest is that of its last version. */
  readonly deleted: boolean;
  /** Who changed it, as far as the object tells; empty if it does not. */
  readonly changedBy: string;
  /** The object as canonical JSON, reduced to what policies look at. */
  readonly manifest: string;
}

/** Who changed an object may be told by this annotation; the API server itself tells only of programs. */
export const CHANGED_BY_ANNOTATION = 'sonde/changed-by';

/** Kinds besides policies and what they are made of, that policies look at. */
const LOOKED_AT = new Set(['v1 Namespace', 'v1 ServiceAccount', 'v1 Node', 'v1 Service']);

/** Who manages a slice (Kubernetes well-known labels), and whose value says that pods are found by a selector. */
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const SELECTING_CONTROLLER = 'endpointslice-controller.k8s.io';

/**
 * Whether verdicts of policies depend on an object itself; of pods they depend on its {@link PortNames} only. The
 * endpoints of services are pods with the labels that a service selects, or else in slices that somebody else writes.
 */
export function isPolicyMatter(object: KubernetesObject): boolean {
  if (object.apiVersion === 'discovery.k8s.io/v1' && object.kind === 'EndpointSlice') {
    return object.metadata.labels?.[MANAGED_BY] !== SELECTING_CONTROLLER;
  }
  return LOOKED_AT.has(`${object.apiVersion} ${object.kind}`) || readPolicyObject(object).is !== 'other';
}

/** What identifies an object among all of a cluster. */
export function objectKey({ apiVersion, kind, metadata }: KubernetesObject): string {
  return `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The manifest of an object as the store keeps it: equal for equal contents, whatever the order of fields. */
export function manifestText(object: KubernetesObject): string {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, labels } = metadata;
  return canonicalJson({ apiVersion, kind, metadata: { name, namespace, labels }, ...contentsOf(object) });
}

/** What policies look at in an object besides its name and labels. */
function contentsOf(object: KubernetesObject): object {
  const { spec, status, ports, endpoints } = object as KubernetesObject & Contents;
  switch (`${object.apiVersion} ${object.kind}`) {
    case 'v1 Node':
      return status?.addresses === undefined ? {} : { status: { addresses: status.addresses } };
    case 'v1 Service': {
      const { selector, ports: served, clusterIP, clusterIPs, externalIPs } = spec ?? {};
      return { spec: { selector, ports: served, clusterIP, clusterIPs, externalIPs } };
    }
    case 'discovery.k8s.io/v1 EndpointSlice':
      return { ports, endpoints };
    default:
      return { spec };
  }
}

interface Contents {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: { readonly addresses?: unknown };
  readonly ports?: unknown;
  readonly endpoints?: unknown;
}

/** When an object was changed last, as it says itself; undefined if it does not. */
export function changedAtMs({ metadata }: KubernetesObject): number | undefined {
  const time = lastChange(metadata.managedFields ?? [])?.time;
  return time === undefined ? undefined : Date.parse(time);
}

/** Who changed an object last, as it says itself: by annotation, else the program; empty if it does not. */
export function changedBy({ metadata }: KubernetesObject): string {
  const named: unknown = metadata.annotations?.[CHANGED_BY_ANNOTATION];
  // Manifests may say anything.
  if (typeof named === 'string') return named;
  return lastChange(metadata.managedFields ?? [])?.manager ?? '';
}

/** The latest change of the object itself, not of its status. */
function lastChange(changes: readonly ManagedFields[]): ManagedFields | undefined {
  return changes
    .filter(({ subresource = '', time }) => subresource === '' && time !== undefined)
    .reduce<ManagedFields | undefined>(
      (latest, change) => ((change.time ?? '') >= (latest?.time ?? '') ? change : latest),
      undefined,
    );
}

/** JSON with the keys of every object in order, and without what is undefined. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}
