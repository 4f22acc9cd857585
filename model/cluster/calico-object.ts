import type { KubernetesObject, ObjectMeta } from './objects.js';

/** API versions of Calico's resources: of its API, and of the custom resources that its API server stores them in. */
export const CALICO_API_VERSION = 'projectcalico.org/v3';
export const CALICO_DATASTORE_VERSION = 'crd.projectcalico.org/v1';

/** Metadata of the API object as JSON: its own name, labels and annotations (libcalico-go, backend/k8s/resources). */
const METADATA_ANNOTATION = 'projectcalico.org/metadata';

/**
 * Converts an object of Calico's datastore to the one that Calico's API shows: with the metadata that Calico keeps in an
 * annotation. Returns other objects as they are, also one of the datastore whose annotation is not valid.
 */
export function toCalicoApi(object: KubernetesObject): KubernetesObject {
  if (object.apiVersion !== CALICO_DATASTORE_VERSION) return object;
  const { [METADATA_ANNOTATION]: text, ...annotations } = object.metadata.annotations ?? {};
  const kept = text === undefined ? {} : parseMetadata(text);
  if (!kept) return object;
  const { name, labels, managedFields } = kept;
  const metadata: ObjectMeta = {
    ...object.metadata,
    ...(name && { name }),
    ...(labels && { labels: { ...object.metadata.labels, ...labels } }),
    ...(managedFields && { managedFields }),
    ...(object.metadata.annotations && { annotations: { ...annotations, ...kept.annotations } }),
  };
  return { ...object, apiVersion: CALICO_API_VERSION, metadata };
}

function parseMetadata(text: unknown): Partial<ObjectMeta> | undefined {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
