import { canonicalLabels } from '../../cluster/identity.js';
import type { KubernetesObject, Pod } from '../../cluster/objects.js';
import { readPod } from '../manifests/kubernetes.js';
import type { EndpointPort } from '../resources/endpoints.js';
import { type FieldProblem, Fields } from '../resources/fields.js';

/**
 * The names that pods give to their ports, kept as an object of Sonde's own: one for all pods of a namespace with the
 * same canonical labels, which is what flows tell of a pod.
 */
export interface PortNames extends KubernetesObject {
  readonly apiVersion: typeof PORT_NAMES_API;
  readonly kind: 'PortNames';
  readonly spec: { readonly ports: readonly EndpointPort[] };
}

const PORT_NAMES_API = 'sonde/v1';

export function isPortNames(object: KubernetesObject): object is PortNames {
  return object.apiVersion === PORT_NAMES_API && object.kind === 'PortNames';
}

/**
 * Gathers the port names of pods as they come and go. Pods of one group that name different ports, as during a
 * roll-out, have all of them; what a group named stays when its last pod goes, for flows of before still need it.
 */
export class PortNamesOfPods {
  /** By group: the ports that each pod names, and the text of what was last told. */
  readonly #groups = new Map<string, { readonly pods: Map<string, readonly EndpointPort[]>; told: string }>();
  readonly #groupOf = new Map<string, string>();

  /** Takes in a pod; returns its group's port names if they are others than before. */
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
    const state = known ?? { pods: new Map<string, readonly EndpointPort[]>(), told: '' };
    this.#groups.set(group, state);
    this.#groupOf.set(key, group);
    state.pods.set(key, ports);
    const all = new Map([...state.pods.values()].flat().map((port) => [portText(port), port] as const));
    const told = [...all.keys()].sort().join(',');
    if (told === state.told) return undefined;
    state.told = told;
    const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port);
    return {
      apiVersion: PORT_NAMES_API,
      kind: 'PortNames',
      metadata: { namespace, name: labels },
      spec: { ports: sorted },
    };
  }

  /** Takes out a pod. */
  remove({ metadata }: KubernetesObject): void {
    const key = `${metadata.namespace ?? 'default'}/${metadata.name}`;
    this.#groups.get(this.#groupOf.get(key) ?? '')?.pods.delete(key);
    this.#groupOf.delete(key);
  }
}

function portText({ name, protocol, port }: EndpointPort): string {
  return `${name} ${protocol} ${port}`;
}
