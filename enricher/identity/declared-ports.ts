import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import {
  type ContainerPort,
  type KubernetesObject,
  objectKey,
  type Pod,
  type Service,
} from '@sonde/model/cluster/objects';
import { containerPorts } from '@sonde/model/cluster/pod-addresses';
import { EVERY_NODE } from '@sonde/model/cluster/port-index';
import { protocolNumber, TCP } from '@sonde/model/net/protocol';

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

/** The part of a service that declares ports of pods. */
interface DeclaringService {
  readonly name: string;
  /** Undefined if the service selects no pods. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly ports: readonly ServicePort[];
}

/**
 * Ports that the objects of a cluster declare servers on: container ports, target ports of services, ports of the services
 * themselves, host ports and node ports.
 */
export class DeclaredPorts {
  readonly #cluster: Cluster;
  /** Services by namespace, then by key of the object. */
  readonly #services = new Map<string, Map<string, DeclaringService>>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Applies an object, new or changed; kinds other than Service are read from the cluster. */
  apply(object: KubernetesObject): void {
    if (object.kind !== 'Service') return;
    const { metadata, spec } = object as Service & { spec?: { selector?: Record<string, string> } };
    const namespace = metadata.namespace ?? '';
    let services = this.#services.get(namespace);
    if (!services) this.#services.set(namespace, (services = new Map<string, DeclaringService>()));
    const { selector, ports = [] } = spec ?? {};
    const selects = selector !== undefined && Object.keys(selector).length > 0;
    services.set(objectKey(object), { name: metadata.name, selector: selects ? selector : undefined, ports });
  }

  /** Removes an object. */
  remove(object: KubernetesObject): void {
    const namespace = object.metadata.namespace ?? '';
    const services = this.#services.get(namespace);
    services?.delete(objectKey(object));
    if (services?.size === 0) this.#services.delete(namespace);
  }

  /**
   * Whether the owner of an address at a time declares a server on a port.
   * @param addresses 16 bytes each; the address begins at `offset`.
   */
  declares(addresses: Uint8Array, offset: number, protocol: number, port: number, timeMs: number): boolean {
    const { identities, ports } = this.#cluster;
    const owner = identities.holder(identities.find(addresses, offset), timeMs);
    const identity = identities.identity(owner);
    switch (identity?.kind) {
      case undefined:
      case 'network_set':
        return false;
      case 'service':
        return this.#servicesOf(identity.namespace).some(
          (service) =>
            service.name === identity.name &&
            service.ports.some((one) => one.port === port && numberOf(one.protocol) === protocol),
        );
      case 'node':
        return [identity.name, EVERY_NODE].some(
          (node) => ports.lookup(node, protocol, port, timeMs) !== UNKNOWN_IDENTITY,
        );
      case 'pod':
      case 'host_network_pod': {
        const pod = identities.pod(owner);
        return pod !== undefined && this.#podDeclares(pod, protocol, port);
      }
    }
  }

  #podDeclares(pod: Pod, protocol: number, port: number): boolean {
    const declared = containerPorts(pod);
    const isServer = (one: ContainerPort) =>
      one.containerPort === port && numberOf(one.protocol) === protocol;
    if (declared.some(isServer)) return true;
    const { labels = {}, namespace = '' } = pod.metadata;
    return this.#servicesOf(namespace).some(
      ({ selector, ports }) =>
        selector !== undefined &&
        Object.entries(selector).every(([key, value]) => labels[key] === value) &&
        ports.some((one) => numberOf(one.protocol) === protocol && targetPort(one, declared) === port),
    );
  }

  #servicesOf(namespace: string): readonly DeclaringService[] {
    return [...(this.#services.get(namespace)?.values() ?? [])];
  }
}

/** The port of a pod that a service port leads to; a named one is a container port of that name. */
function targetPort(
  { port, protocol, targetPort: target = port }: ServicePort,
  declared: readonly ContainerPort[],
): number | undefined {
  if (typeof target === 'number') return target;
  const named = declared.find((one) => one.name === target && numberOf(one.protocol) === numberOf(protocol));
  return named?.containerPort;
}

function numberOf(protocol = 'TCP'): number {
  return protocolNumber(protocol) ?? TCP;
}
