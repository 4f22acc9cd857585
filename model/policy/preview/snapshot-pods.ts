import type { PolicyPod } from '../endpoint/pods-and-nodes.js';
import type { EndpointPort } from '../resources/endpoints.js';
import type { FlowEndpoint } from './flow-identity.js';
import { isBackend, type SelectingService, type SelectingServices } from './services.js';

/** Pods that flows do not distinguish, with an address that one of them had. */
export interface SnapshotPod extends PolicyPod {
  readonly address: Uint8Array;
}

/** The pods of a snapshot, as they appear in flows. */
export class SnapshotPods {
  readonly #services: SelectingServices;
  readonly #portNames: ReadonlyMap<string, readonly EndpointPort[]>;
  readonly #pods = new Map<string, SnapshotPod>();
  readonly #ofNamespace = new Map<string, SnapshotPod[]>();
  /** Backends of services; cleared when a pod is added. */
  readonly #backends = new Map<SelectingService, readonly SnapshotPod[]>();

  /** `portNames` are by `namespace/labels`. */
  constructor(services: SelectingServices, portNames: ReadonlyMap<string, readonly EndpointPort[]>) {
    this.#services = services;
    this.#portNames = portNames;
  }

  /** The pod of a flow's endpoint; the same object for pods that flows do not distinguish. */
  of({ namespace, labels, serviceAccount, address }: Omit<FlowEndpoint, 'kind'>): SnapshotPod {
    const group = `${namespace}/${labels}`;
    const key = `${group} ${serviceAccount}`;
    const known = this.#pods.get(key);
    if (known) return known;
    const own = { namespace, labels: parseLabels(labels), ports: this.#portNames.get(group) ?? [] };
    const servicePorts = this.#services.portsServedBy(own);
    const pod: SnapshotPod = { ...own, serviceAccount, address, servicePorts };
    this.#pods.set(key, pod);
    this.#backends.clear();
    const others = this.#ofNamespace.get(namespace);
    if (others) others.push(pod);
    else this.#ofNamespace.set(namespace, [pod]);
    return pod;
  }

  /** The backends of a service among the pods that {@link of} returned. */
  backendsOf(service: SelectingService): readonly SnapshotPod[] {
    const known = this.#backends.get(service);
    if (known) return known;
    const pods = (this.#ofNamespace.get(service.namespace) ?? []).filter((pod) => isBackend(service, pod));
    this.#backends.set(service, pods);
    return pods;
  }
}

/** Parses canonical labels; neither keys nor values contain commas or equals signs. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  if (text === '') return {};
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
