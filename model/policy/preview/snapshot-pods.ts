import type { PolicyPod } from '../endpoint/pods-and-nodes.js';
import type { EndpointPort } from '../resources/endpoints.js';
import type { FlowEndpoint } from './flow-identity.js';
import { isBehind, type SelectingService, type SelectingServices } from './services.js';

/** Pods that flows cannot tell apart, with an address that one of them had. */
export interface SnapshotPod extends PolicyPod {
  readonly address: Uint8Array;
}

/** The pods of a snapshot, as the ends of flows tell them. */
export class SnapshotPods {
  readonly #services: SelectingServices;
  readonly #portNames: ReadonlyMap<string, readonly EndpointPort[]>;
  readonly #pods = new Map<string, SnapshotPod>();
  readonly #ofNamespace = new Map<string, SnapshotPod[]>();
  /** The pods behind services that were asked about since there last was a new pod. */
  readonly #behind = new Map<SelectingService, readonly SnapshotPod[]>();

  /** `portNames` are by `namespace/labels`. */
  constructor(services: SelectingServices, portNames: ReadonlyMap<string, readonly EndpointPort[]>) {
    this.#services = services;
    this.#portNames = portNames;
  }

  /** What policies look at in the pod at an end of a flow; the same object for pods that flows cannot tell apart. */
  of({ namespace, labels, serviceAccount, address }: Omit<FlowEndpoint, 'kind'>): SnapshotPod {
    const group = `${namespace}/${labels}`;
    const key = `${group} ${serviceAccount}`;
    const known = this.#pods.get(key);
    if (known) return known;
    const own = { namespace, labels: parseLabels(labels), ports: this.#portNames.get(group) ?? [] };
    const servicePorts = this.#services.servedBy(own);
    const pod: SnapshotPod = { ...own, serviceAccount, address, servicePorts };
    this.#pods.set(key, pod);
    this.#behind.clear();
    const others = this.#ofNamespace.get(namespace);
    if (others) others.push(pod);
    else this.#ofNamespace.set(namespace, [pod]);
    return pod;
  }

  /** The pods behind a service, of those that {@link of} was asked for. */
  behind(service: SelectingService): readonly SnapshotPod[] {
    const known = this.#behind.get(service);
    if (known) return known;
    const pods = (this.#ofNamespace.get(service.namespace) ?? []).filter((pod) => isBehind(service, pod));
    this.#behind.set(service, pods);
    return pods;
  }
}

/** Labels of their canonical text; neither keys nor values hold commas or equals signs. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  if (text === '') return {};
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
