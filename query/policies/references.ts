import type { KubernetesObject } from '@sonde/model/cluster/objects';

/** Names an object. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for what has no namespace. */
  readonly namespace?: string;
  readonly name: string;
}

export function referenceOf({ apiVersion, kind, metadata }: KubernetesObject): ObjectReference {
  const { namespace, name } = metadata;
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name };
}

/** The schema of an {@link ObjectReference}'s properties. */
export const referenceProperties = {
  apiVersion: { type: 'string', examples: ['networking.k8s.io/v1'] },
  kind: { type: 'string', examples: ['NetworkPolicy'] },
  namespace: { type: 'string', description: 'Absent for what has no namespace', examples: ['storefront'] },
  name: { type: 'string', examples: ['default-deny'] },
} as const;
