import { formatAddress } from '../../net/address.js';
import type { KubernetesObject } from '../../cluster/objects.js';
import type { PolicyPod, ServedPort } from '../endpoint/pods-and-nodes.js';
import { type ManifestService, readService, type ServicePort, targetPort } from '../manifests/kubernetes.js';
import { type FieldProblem, Fields } from '../resources/fields.js';

/** A service that selects its backends by their labels. */
export type SelectingService = ManifestService & {
  readonly selector: NonNullable<ManifestService['selector']>;
};

/** The properties of a pod that determine which services it is a backend of. */
export type BackendPod = Pick<PolicyPod, 'namespace' | 'labels' | 'ports'>;

/**
 * The services of a snapshot that select pods. Backends are found by labels, because flows have the labels of their
 * endpoints, while the addresses of backends change as pods come and go. Pods that are not ready are included.
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

  /** The service ports that a pod serves. */
  portsServedBy(pod: BackendPod): ServedPort[] {
    return (this.#ofNamespace.get(pod.namespace) ?? []).flatMap((service) =>
      isBackend(service, pod) ? service.ports.flatMap((port) => served(service, port, pod)) : [],
    );
  }
}

/** Whether a pod is a backend of a service. */
export function isBackend({ namespace, selector }: SelectingService, pod: BackendPod): boolean {
  if (pod.namespace !== namespace) return false;
  return Object.entries(selector).every(([key, value]) => pod.labels[key] === value);
}

function served({ namespace, name }: ManifestService, port: ServicePort, pod: BackendPod): ServedPort[] {
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
