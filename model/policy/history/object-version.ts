import type { KubernetesObject, ManagedFields } from '../../cluster/objects.js';
import { addressAnnotations } from '../../cluster/node-addresses.js';
import { readPolicyObject } from '../read-object.js';

/** One version of an object that policy verdicts depend on, as stored. */
export interface ObjectVersion {
  readonly cluster: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  /** Identifies the version; the same for every observer of this version. */
  readonly version: string;
  /** Time of the change, in ms since 1970. */
  readonly changedAtMs: number;
  /** Whether the object was deleted; the manifest is then that of its last version. */
  readonly deleted: boolean;
  /** Author of the change; empty if the object does not say. */
  readonly changedBy: string;
  /** The object as canonical JSON, reduced to what policies depend on. */
  readonly manifest: string;
}

/** Annotation with the author of a change; `managedFields` names only programs. */
export const CHANGED_BY_ANNOTATION = 'sonde/changed-by';

/** Kinds that verdicts depend on, apart from policies and the resources they refer to. */
const DEPENDENCY_KINDS = new Set(['v1 Namespace', 'v1 ServiceAccount', 'v1 Node', 'v1 Service']);

/** The manager of a slice (Kubernetes well-known labels), and the value for slices that follow from a selector. */
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const SELECTING_CONTROLLER = 'endpointslice-controller.k8s.io';

/**
 * Whether policy verdicts depend on an object. Of pods, they depend only on port names, which are stored as `PortNames`.
 * Endpoints of services are the pods that the service selects, or else are listed in slices that a third party writes.
 */
export function affectsPolicies(object: KubernetesObject): boolean {
  if (object.apiVersion === 'discovery.k8s.io/v1' && object.kind === 'EndpointSlice') {
    return object.metadata.labels?.[MANAGED_BY] !== SELECTING_CONTROLLER;
  }
  return (
    DEPENDENCY_KINDS.has(`${object.apiVersion} ${object.kind}`) || readPolicyObject(object).is !== 'other'
  );
}

/** The manifest of an object as stored: equal for equal contents, regardless of the order of fields. */
export function manifestText(object: KubernetesObject): string {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, labels } = metadata;
  const annotations = kind === 'Node' ? addressAnnotations(metadata.annotations) : undefined;
  return canonicalJson({
    ...{ apiVersion, kind, metadata: { name, namespace, labels, annotations } },
    ...contentsOf(object),
  });
}

/** The parts of an object that policies depend on, apart from its name and labels. */
function contentsOf(object: KubernetesObject): object {
  const { spec, status, ports, endpoints } = object as KubernetesObject & Contents;
  switch (`${object.apiVersion} ${object.kind}`) {
    case 'v1 Node': {
      const { podCIDR, podCIDRs } = spec ?? {};
      return {
        ...(podCIDR === undefined && podCIDRs === undefined ? {} : { spec: { podCIDR, podCIDRs } }),
        ...(status?.addresses === undefined ? {} : { status: { addresses: status.addresses } }),
      };
    }
    case 'v1 Service': {
      const { selector, ports: served, clusterIP, clusterIPs, externalIPs } = spec ?? {};
      const { ingress } = status?.loadBalancer ?? {};
      return {
        spec: { selector, ports: served, clusterIP, clusterIPs, externalIPs },
        ...(ingress === undefined ? {} : { status: { loadBalancer: { ingress } } }),
      };
    }
    case 'discovery.k8s.io/v1 EndpointSlice':
      return { ports, endpoints };
    default:
      return { spec };
  }
}

interface Contents {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: { readonly addresses?: unknown; readonly loadBalancer?: { readonly ingress?: unknown } };
  readonly ports?: unknown;
  readonly endpoints?: unknown;
}

/** Time of an object's latest change according to its metadata; undefined if it does not say. */
export function changedAtMs({ metadata }: KubernetesObject): number | undefined {
  const time = lastChange(metadata.managedFields ?? [])?.time;
  return time === undefined ? undefined : Date.parse(time);
}

/**
 * Author of an object's latest change: the one that the annotation names if that change wrote it, else the program that
 * made the change; empty if unknown. `former` is the annotation of the previous version: undefined if it had none,
 * `unknown` if that is not known.
 */
export function changedBy(
  object: KubernetesObject,
  former: string | undefined | typeof UNKNOWN_AUTHOR,
): string {
  const named = namedAuthor(object);
  const latest = lastChange(object.metadata.managedFields ?? []);
  if (named !== undefined) {
    const isNew = former !== UNKNOWN_AUTHOR && named !== former;
    // A manifest has no managed fields: the file as it is first read names its author.
    const isWritten = latest ? ownsAuthor(latest) : former === UNKNOWN_AUTHOR;
    if (isNew || isWritten) return named;
  }
  return latest?.manager ?? '';
}

/** Stands for the annotation of a previous version that is not known. */
export const UNKNOWN_AUTHOR = Symbol('unknown author');

/** The author that an object's annotation names; undefined if it names none. */
export function namedAuthor({ metadata }: KubernetesObject): string | undefined {
  // Manifests may contain anything.
  const named: unknown = metadata.annotations?.[CHANGED_BY_ANNOTATION];
  return typeof named === 'string' ? named : undefined;
}

/** Whether a change wrote the annotation (Kubernetes API reference, FieldsV1). */
export function ownsAuthor({ fieldsV1 }: ManagedFields): boolean {
  const annotations = fieldsV1?.['f:metadata']?.['f:annotations'];
  return annotations?.[`f:${CHANGED_BY_ANNOTATION}`] !== undefined;
}

/** The latest change of the object, without changes of its status. */
function lastChange(changes: readonly ManagedFields[]): ManagedFields | undefined {
  return changes
    .filter(({ subresource = '', time }) => subresource === '' && time !== undefined)
    .reduce<ManagedFields | undefined>(
      (latest, change) => ((change.time ?? '') >= (latest?.time ?? '') ? change : latest),
      undefined,
    );
}

/** JSON with sorted keys, without undefined values. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}
