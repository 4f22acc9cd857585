import type { KubernetesObject } from '@sonde/model/cluster/objects';

/** A reference to an object. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly name: string;
}

/** The reference to an object. */
export function referenceOf({ apiVersion, kind, metadata }: KubernetesObject): ObjectReference {
  const { namespace, name } = metadata;
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name };
}

/** The schema of an {@link ObjectReference}'s properties. */
export const referenceProperties = {
  apiVersion: { type: 'string', examples: ['networking.k8s.io/v1'] },
  kind: { type: 'string', examples: ['NetworkPolicy'] },
  namespace: { type: 'string', description: 'Omitted for cluster-scoped objects', examples: ['storefront'] },
  name: { type: 'string', examples: ['default-deny'] },
} as const;
