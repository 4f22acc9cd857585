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
  readService,
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
 * Pods are not among them: which pod has an address depends on the time. Objects with problems are ignored.
 */
export class PolicyObjects {
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
    }
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
    else this.#services.delete(key);
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
    const areKnown = slices !== undefined || (service !== undefined && !service.selector);
    const endpoints = areKnown ? [...(slices ?? [])].flatMap((slice) => slice.endpoints) : undefined;
    this.evaluator.setService({ namespace, name, endpoints });
    if (!service) return;
    for (const address of service.addresses) {
      this.servicesByAddress.set(formatAddress(address), { service, endpoints });
    }
  }
}

function nameOfResource(resource: PolicyResource): ResourceName {
  const namespace = 'namespace' in resource ? resource.namespace : '';
  return { kind: resource.kind, namespace, name: resource.name };
}

function serviceKeyOf({ namespace, service }: ManifestSlice): string {
  return namespacedName({ namespace, name: service });
}
