import { type KubernetesObject, namespacedName, objectKey } from '../../cluster/objects.js';
import { formatAddress } from '../../net/address.js';
import type { PolicyNode } from '../endpoint/pods-and-nodes.js';
import { PolicyEvaluator, type ResourceName } from '../evaluator.js';
import { readPolicyObject, type PolicyResource } from '../read-object.js';
import { Fields, type FieldProblem } from '../resources/fields.js';
import {
  type ManifestService,
  type ManifestSlice,
  readEndpointSlice,
  readMetadata,
  readNode,
  readPod,
  readService,
  targetPort,
} from './kubernetes.js';

/** A service and its endpoints. */
export interface ServiceBackends {
  readonly service: ManifestService;
  /** Undefined if they are unknown. */
  readonly endpoints: ManifestSlice['endpoints'] | undefined;
}

const CORE_KINDS = new Set(['Namespace', 'ServiceAccount', 'Node', 'Service', 'EndpointSlice', 'Pod']);

/** Whether verdicts may depend on an object. */
export function isPolicyInput(object: KubernetesObject): boolean {
  return CORE_KINDS.has(object.kind) || readPolicyObject(object).is !== 'other';
}

/**
 * The objects that policies consist of or depend on, kept in an evaluator as they are added, changed and removed.
 * Which pod has an address depends on the time and is not part of it: pods are kept only as backends of services without
 * EndpointSlices. Objects with problems are ignored.
 */
export class PolicyObjects {
  /** Services by `namespace/name`. */
  readonly services = new Map<string, ServiceBackends>();
  /** Services by virtual address, as text. */
  readonly servicesByAddress = new Map<string, ServiceBackends>();
  /** Names of nodes by address, as text. */
  readonly nodesByAddress = new Map<string, string>();
  /** Names of namespaces for which there is an object. */
  readonly namespaces = new Set<string>();
  readonly #resources = new Map<string, PolicyResource>();
  readonly #nodes = new Map<string, PolicyNode>();
  readonly #services = new Map<string, ManifestService>();
  readonly #slices = new Map<string, ManifestSlice>();
  readonly #slicesOfService = new Map<string, Set<ManifestSlice>>();
  readonly #podsOfNamespace = new Map<string, Map<string, KubernetesObject>>();
  /** Keys of services with a selector and without EndpointSlices. */
  readonly #unsliced = new Set<string>();
  /** Those of them whose backends may have changed. */
  readonly #outdated = new Set<string>();

  constructor(readonly evaluator = new PolicyEvaluator()) {}

  /** The resources that are evaluated. */
  get resources(): readonly PolicyResource[] {
    return [...this.#resources.values()];
  }

  /** Adds an object, or replaces its former version; returns the problems because of which it is ignored. */
  apply(object: KubernetesObject): readonly FieldProblem[] {
    const reading = readPolicyObject(object);
    if (reading.is === 'resource') {
      this.#resources.set(objectKey(object), reading.resource);
      this.evaluator.apply(reading.resource);
      return [];
    }
    if (reading.is === 'invalid') {
      this.remove(object);
      return reading.problems;
    }
    if (object.kind === 'Pod') this.#setPod(object, true);
    const problems: FieldProblem[] = [];
    const set = this.#setterOf(object, new Fields(object, '', problems));
    if (problems.length === 0) set?.();
    return problems;
  }

  /** Removes an object, if it exists. */
  remove(object: KubernetesObject): void {
    const { name, namespace = 'default' } = object.metadata;
    const key = objectKey(object);
    const resource = this.#resources.get(key);
    if (resource) {
      this.#resources.delete(key);
      this.evaluator.remove(nameOfResource(resource));
      return;
    }
    switch (object.kind) {
      case 'Namespace':
        this.namespaces.delete(name);
        this.evaluator.setNamespace(name, undefined);
        break;
      case 'ServiceAccount':
        this.evaluator.setServiceAccount(namespace, name, undefined);
        break;
      case 'Node':
        this.#setNode(name, undefined);
        break;
      case 'Service':
        this.#setService(namespacedName({ namespace, name }), undefined);
        break;
      case 'EndpointSlice':
        this.#setSlice(key, undefined);
        break;
      case 'Pod':
        this.#setPod(object, false);
        break;
    }
  }

  /**
   * Selects the backends of services with a selector and without EndpointSlices, as in plain manifests, if pods or services
   * have changed. Call it before evaluating.
   */
  selectBackends(): void {
    for (const key of this.#outdated) {
      const service = this.#services.get(key);
      if (service?.selector) this.#setEndpoints(service, this.#selectedEndpoints(service, service.selector));
    }
    this.#outdated.clear();
  }

  /** Reads an object of a core kind; returns how to set it, or undefined if policies do not depend on its kind. */
  #setterOf(object: KubernetesObject, fields: Fields): (() => void) | undefined {
    switch (object.kind) {
      case 'Namespace': {
        const { name, labels } = readMetadata(fields);
        return () => {
          this.namespaces.add(name);
          this.evaluator.setNamespace(name, labels);
        };
      }
      case 'ServiceAccount': {
        const { namespace, name, labels } = readMetadata(fields);
        return () => this.evaluator.setServiceAccount(namespace, name, labels);
      }
      case 'Node': {
        const node = readNode(fields);
        return () => this.#setNode(node.name, node);
      }
      case 'Service': {
        const service = readService(fields);
        return () => this.#setService(namespacedName(service), service);
      }
      case 'EndpointSlice': {
        const slice = readEndpointSlice(fields);
        return () => this.#setSlice(objectKey(object), slice);
      }
      default:
        return undefined;
    }
  }

  #setNode(name: string, node: PolicyNode | undefined): void {
    for (const address of this.#nodes.get(name)?.addresses ?? []) {
      const text = formatAddress(address);
      if (this.nodesByAddress.get(text) === name) this.nodesByAddress.delete(text);
    }
    if (!node) {
      this.#nodes.delete(name);
      this.evaluator.deleteNode(name);
      return;
    }
    this.#nodes.set(name, node);
    this.evaluator.setNode(node);
    for (const address of node.addresses) this.nodesByAddress.set(formatAddress(address), name);
  }

  #setService(key: string, service: ManifestService | undefined): void {
    const before = this.#services.get(key);
    for (const address of before?.addresses ?? []) {
      const text = formatAddress(address);
      if (this.servicesByAddress.get(text)?.service === before) this.servicesByAddress.delete(text);
    }
    if (service) this.#services.set(key, service);
    else {
      this.#services.delete(key);
      this.services.delete(key);
      this.#unsliced.delete(key);
      this.#outdated.delete(key);
    }
    this.#updateBackends(key);
  }

  #setSlice(key: string, slice: ManifestSlice | undefined): void {
    const before = this.#slices.get(key);
    if (before) {
      const service = serviceKeyOf(before);
      const slices = this.#slicesOfService.get(service);
      slices?.delete(before);
      if (slices?.size === 0) this.#slicesOfService.delete(service);
      this.#slices.delete(key);
      if (!slice || service !== serviceKeyOf(slice)) this.#updateBackends(service);
    }
    if (!slice) return;
    const service = serviceKeyOf(slice);
    this.#slices.set(key, slice);
    this.#slicesOfService.set(service, (this.#slicesOfService.get(service) ?? new Set()).add(slice));
    this.#updateBackends(service);
  }

  /** Sets the endpoints of a service. Slices without a Service object count as well. */
  #updateBackends(key: string): void {
    const service = this.#services.get(key);
    const slices = this.#slicesOfService.get(key);
    const [namespace = '', name = ''] = key.split('/');
    if (!service && !slices) {
      this.evaluator.deleteService(namespace, name);
      return;
    }
    if (slices === undefined && service?.selector) {
      this.#unsliced.add(key);
      this.#outdated.add(key);
      this.#setEndpoints(service, undefined);
      return;
    }
    this.#unsliced.delete(key);
    this.#outdated.delete(key);
    const endpoints = [...(slices ?? [])].flatMap((slice) => slice.endpoints);
    if (service) this.#setEndpoints(service, endpoints);
    else this.evaluator.setService({ namespace, name, endpoints });
  }

  #setEndpoints(service: ManifestService, endpoints: ServiceBackends['endpoints']): void {
    const { namespace, name } = service;
    this.evaluator.setService({ namespace, name, endpoints });
    this.services.set(namespacedName(service), { service, endpoints });
    for (const address of service.addresses) {
      this.servicesByAddress.set(formatAddress(address), { service, endpoints });
    }
  }

  #setPod(pod: KubernetesObject, exists: boolean): void {
    const { namespace = 'default', name } = pod.metadata;
    const pods = this.#podsOfNamespace.get(namespace) ?? new Map<string, KubernetesObject>();
    if (exists) pods.set(name, pod);
    else pods.delete(name);
    if (pods.size > 0) this.#podsOfNamespace.set(namespace, pods);
    else this.#podsOfNamespace.delete(namespace);
    for (const key of this.#unsliced) if (key.startsWith(`${namespace}/`)) this.#outdated.add(key);
  }

  /** The endpoints of the pods that a service selects; undefined if there are no such pods. */
  #selectedEndpoints(
    { namespace, ports }: ManifestService,
    selector: NonNullable<ManifestService['selector']>,
  ): ServiceBackends['endpoints'] {
    const selected = [...(this.#podsOfNamespace.get(namespace)?.values() ?? [])]
      .filter(({ metadata }) =>
        Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value),
      )
      .flatMap((object) => {
        const problems: FieldProblem[] = [];
        const pod = readPod(new Fields(object, '', problems));
        return problems.length > 0 || pod.finished ? [] : pod;
      });
    if (selected.length === 0) return undefined;
    return selected.flatMap((pod) =>
      ports.flatMap((servicePort) => {
        const port = targetPort(servicePort, pod);
        if (port === undefined) return [];
        const { name: portName, protocol } = servicePort;
        return pod.addresses.map((address) => ({ address, portName, protocol, port }));
      }),
    );
  }
}

function nameOfResource(resource: PolicyResource): ResourceName {
  const namespace = 'namespace' in resource ? resource.namespace : '';
  return { kind: resource.kind, namespace, name: resource.name };
}

function serviceKeyOf({ namespace, service }: ManifestSlice): string {
  return namespacedName({ namespace, name: service });
}
