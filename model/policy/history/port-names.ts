import { canonicalLabels } from '../../cluster/identity.js';
import type { KubernetesObject, Pod } from '../../cluster/objects.js';
import { readPod } from '../manifests/kubernetes.js';
import type { EndpointPort } from '../resources/endpoints.js';
import { type FieldProblem, Fields } from '../resources/fields.js';

/**
 * The port names of pods, stored as an object of Sonde's own: one for all pods of a namespace with the same canonical
 * labels, because flows identify a pod by these.
 */
export interface PortNames extends KubernetesObject {
  readonly apiVersion: typeof PORT_NAMES_API;
  readonly kind: 'PortNames';
  readonly spec: { readonly ports: readonly EndpointPort[] };
}

const PORT_NAMES_API = 'sonde/v1';

/** Whether an object holds port names. */
export function isPortNames(object: KubernetesObject): object is PortNames {
  return object.apiVersion === PORT_NAMES_API && object.kind === 'PortNames';
}

/**
 * Collects the port names of pods as they change. Pods of one group with different port names, as during a rollout, share
 * all of them. The names of a group remain when its last pod is deleted: earlier flows still need them.
 */
export class PortNamesOfPods {
  /** By group: the named ports of each pod, and the key of the port names that were returned last. */
  readonly #groups = new Map<
    string,
    { readonly pods: Map<string, readonly EndpointPort[]>; lastKey: string }
  >();
  readonly #groupOf = new Map<string, string>();

  /** Adds or replaces a pod; returns the port names of its group if they changed. */
  apply(pod: Pod): PortNames | undefined {
    const problems: FieldProblem[] = [];
    const { namespace, name, ports } = readPod(new Fields(pod, '', problems));
    if (problems.length > 0) return undefined;
    const labels = canonicalLabels(pod.metadata.labels);
    const group = `${namespace}/${labels}`;
    const key = `${namespace}/${name}`;
    const before = this.#groupOf.get(key);
    if (before !== group) this.#groups.get(before ?? '')?.pods.delete(key);
    const known = this.#groups.get(group);
    if (!known && ports.length === 0) return undefined;
    const state = known ?? { pods: new Map<string, readonly EndpointPort[]>(), lastKey: '' };
    this.#groups.set(group, state);
    this.#groupOf.set(key, group);
    state.pods.set(key, ports);
    const all = new Map([...state.pods.values()].flat().map((port) => [portKey(port), port] as const));
    const portsKey = [...all.keys()].sort().join(',');
    if (portsKey === state.lastKey) return undefined;
    state.lastKey = portsKey;
    const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port);
    return {
      apiVersion: PORT_NAMES_API,
      kind: 'PortNames',
      metadata: { namespace, name: labels },
      spec: { ports: sorted },
    };
  }

  /** Removes a pod. */
  remove({ metadata }: KubernetesObject): void {
    const key = `${metadata.namespace ?? 'default'}/${metadata.name}`;
    this.#groups.get(this.#groupOf.get(key) ?? '')?.pods.delete(key);
    this.#groupOf.delete(key);
  }
}

function portKey({ name, protocol, port }: EndpointPort): string {
  return `${name} ${protocol} ${port}`;
}
