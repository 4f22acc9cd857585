import type { KubernetesObject, Pod } from './objects.js';

/** A controller by kind and name, in its pod's namespace. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
}

/** The owners of the controllers of pods: a ReplicaSet's Deployment, a Job's CronJob. */
export class Controllers {
  readonly #above = new Map<string, Workload>();

  /** Adds or replaces a controller; returns its key if its owner changed. */
  apply(object: KubernetesObject): string | undefined {
    const key = controllerKey(object.metadata.namespace, object.kind, object.metadata.name);
    const above = controllerOf(object);
    const known = this.#above.get(key);
    if (!above || (known?.kind === above.kind && known.name === above.name)) return undefined;
    this.#above.set(key, { kind: above.kind, name: above.name });
    return key;
  }

  remove(object: KubernetesObject): void {
    this.#above.delete(controllerKey(object.metadata.namespace, object.kind, object.metadata.name));
  }

  /**
   * The workload at the top of a pod's owner chain. A pod without an owner is its own workload, and a static pod, which
   * its node owns, is one by its name in the node's manifest: without the name of the node.
   */
  workloadOf(pod: Pod): Workload {
    const owner = controllerOf(pod);
    const { name } = pod.metadata;
    if (!owner) return { kind: 'Pod', name };
    if (owner.kind === 'Node') {
      const suffix = `-${owner.name}`;
      return { kind: 'Pod', name: name.endsWith(suffix) ? name.slice(0, -suffix.length) : name };
    }
    const above = this.#above.get(controllerKey(pod.metadata.namespace, owner.kind, owner.name));
    if (above) return above;
    // A ReplicaSet that a Deployment made is named <deployment>-<pod-template-hash> (kube-controller-manager).
    const hash = pod.metadata.labels?.['pod-template-hash'];
    if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
      return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
    }
    return owner;
  }
}

/** The key of a pod's controller; undefined if the pod has no owner. */
export function controllerKeyOf(pod: Pod): string | undefined {
  const owner = controllerOf(pod);
  return owner && controllerKey(pod.metadata.namespace, owner.kind, owner.name);
}

function controllerOf(object: KubernetesObject): Workload | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller !== false);
}

function controllerKey(namespace: string | undefined, kind: string, name: string): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}
