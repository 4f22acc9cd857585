import { formatAddress } from '../../net/address.js';
import type { KubernetesObject } from '../../cluster/objects.js';
import type { PolicyPod, ServedPort } from '../endpoint/pods-and-nodes.js';
import { type ManifestService, readService, type ServicePort } from '../manifests/kubernetes.js';
import { type FieldProblem, Fields } from '../resources/fields.js';

/** A service that finds the pods behind it by their labels. */
export type SelectingService = ManifestService & {
  readonly selector: NonNullable<ManifestService['selector']>;
};

/** What of a pod says which services it stands behind. */
export type ServingPod = Pick<PolicyPod, 'namespace' | 'labels' | 'ports'>;

/**
 * The services of a snapshot that select pods. Who stands behind them is told by labels, for flows tell those of their
 * ends, while the addresses behind a service change as pods come and go. Pods that are not ready count too.
 */
export class SelectingServices {
  readonly all: readonly SelectingService[];
  readonly #ofNamespace = new Map<string, SelectingService[]>();
  readonly #byAddress = new Map<string, SelectingService>();

  constructor(objects: readonly KubernetesObject[]) {
    this.all = objects
      .filter(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Service')
      .flatMap(read);
    for (const service of this.all) {
      this.#ofNamespace.set(service.namespace, [
        ...(this.#ofNamespace.get(service.namespace) ?? []),
        service,
      ]);
      for (const address of service.addresses) this.#byAddress.set(formatAddress(address), service);
    }
  }

  /** The service with a virtual address. */
  at(address: Uint8Array): SelectingService | undefined {
    return this.#byAddress.get(formatAddress(address));
  }

  /** What a pod serves, of all services. */
  servedBy(pod: ServingPod): ServedPort[] {
    return (this.#ofNamespace.get(pod.namespace) ?? []).flatMap((service) =>
      isBehind(service, pod) ? service.ports.flatMap((port) => served(service, port, pod)) : [],
    );
  }
}

/** Whether a pod stands behind a service. */
export function isBehind({ namespace, selector }: SelectingService, pod: ServingPod): boolean {
  if (pod.namespace !== namespace) return false;
  return Object.entries(selector).every(([key, value]) => pod.labels[key] === value);
}

/** The port of a pod that a service's port leads to; undefined if the pod has none of that name. */
export function targetPort(
  { protocol, targetPort: target }: ServicePort,
  pod: ServingPod,
): number | undefined {
  if (typeof target === 'number') return target;
  return pod.ports.find((port) => port.name === target && port.protocol === protocol)?.port;
}

function served({ namespace, name }: ManifestService, port: ServicePort, pod: ServingPod): ServedPort[] {
  const target = targetPort(port, pod);
  return target === undefined
    ? []
    : [{ service: `${namespace}/${name}`, protocol: port.protocol, port: target }];
}

function read(object: KubernetesObject): SelectingService[] {
  const problems: FieldProblem[] = [];
  const service = readService(new Fields(object, '', problems));
  const { selector } = service;
  return problems.length === 0 && selector ? [{ ...service, selector }] : [];
}
