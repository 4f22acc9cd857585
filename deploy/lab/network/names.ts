import { createHash } from 'node:crypto';
import type { LabNode, LabPod } from '../definition/cluster.js';
import { LabDefinitionError } from '../definition/fields.js';

/**
 * Every network namespace of a lab begins with this. A lab's name holds no dash, so that no lab's prefix begins
 * another's.
 * @throws {LabDefinitionError} when the name is not 1 to 20 lower-case letters and digits.
 */
export function labPrefix(lab: string): string {
  if (!/^[a-z0-9]{1,20}$/.test(lab)) {
    throw new LabDefinitionError(`A lab name must be 1 to 20 lowercase letters and digits, not "${lab}".`);
  }
  return `sonde-${lab}-`;
}

export function fabricNamespace(lab: string): string {
  return `${labPrefix(lab)}fabric`;
}

export function outsideNamespace(lab: string): string {
  return `${labPrefix(lab)}external`;
}

export function nodeNamespace(lab: string, node: Pick<LabNode, 'name'>): string {
  return `${labPrefix(lab)}${node.name}`;
}

/** The namespace that a pod's processes run in: its own, or its node's when it shares the node's network. */
export function podNamespace(lab: string, pod: LabPod): string {
  if (pod.hostNetwork) return nodeNamespace(lab, { name: pod.node });
  return `${labPrefix(lab)}${pod.namespace}-${pod.name}`;
}

/** How the names of all pod interfaces on a node begin, as under Calico. */
const podInterfacePrefix = 'cali';

/**
 * The pod's interface on its node: a prefix and a hash of the pod's name, at most 15 characters (IFNAMSIZ - 1) and
 * the same every time, as Calico derives it.
 */
export function podInterface(pod: Pick<LabPod, 'namespace' | 'name'>): string {
  const hash = createHash('sha1').update(`${pod.namespace}.${pod.name}`).digest('hex');
  return podInterfacePrefix + hash.slice(0, 11);
}
