import { formatAddress } from '@sonde/model/net/address';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { PolicyEvaluator, type ResourceName } from '@sonde/model/policy/evaluator';
import type { ServiceBackends } from '@sonde/model/policy/manifests/cluster';
import {
  type ManifestService,
  type ManifestSlice,
  readEndpointSlice,
  readMetadata,
  readNode,
  readService,
} from '@sonde/model/policy/manifests/kubernetes';
import { type FieldProblem, Fields } from '@sonde/model/policy/resources/fields';
import { readPolicyObject } from '@sonde/model/policy/read-object';
import { unsupportedPolicyKind } from '../watch/unsupported-policies.js';
import type { PolicyContext } from './policy-context.js';

/**
 * The policies of a cluster and what they look at, kept up with its objects as they come, change and go. An object
 * with problems counts as absent.
 */
export class LivePolicies implements PolicyContext {
  readonly evaluator = new PolicyEvaluator();
  /** Services by the text of their virtual addresses. */
  readonly servicesByAddress = new Map<string, ServiceBackends>();
  /** What was taken in of each object, so that it can be taken out though it cannot be read any more. */
  readonly #resources = new Map<string, ResourceName>();
  /** The kinds of the objects that Sonde does not evaluate, by the objects' keys. */
  readonly #unsupported = new Map<string, string>();
  readonly #services = new Map<string, ManifestService>();
  readonly #slices = new Map<string, ManifestSlice>();
  /** The slices of each service. */
  readonly #slicesOf = new Map<string, Set<ManifestSlice>>();

  /** The kinds of policies in the cluster that Sonde does not evaluate, as `Kind.group`. */
  get unsupportedKinds(): ReadonlySet<string> {
    return new Set(this.#unsupported.values());
  }

  /** Applies an object, in place of what it was before; returns the problems that make it unusable. */
  apply(object: KubernetesObject): readonly FieldProblem[] {
    const unsupported = unsupportedPolicyKind(object);
    if (unsupported !== undefined) {
      this.#unsupported.set(keyOf(object), unsupported);
      return [];
    }
    const reading = readPolicyObject(object);
    if (reading.is === 'resource') {
      const { resource } = reading;
      this.#resources.set(keyOf(object), {
        kind: resource.kind,
        namespace: 'namespace' in resource ? resource.namespace : '',
        name: resource.name,
      });
      this.evaluator.apply(resource);
      return [];
    }
    if (reading.is === 'invalid') {
      this.remove(object);
      return reading.problems;
    }
    const problems: FieldProblem[] = [];
    const fields = new Fields(object, '', problems);
    switch (object.kind) {
      case 'Namespace': {
        const { name, labels } = readMetadata(fields);
        if (problems.length === 0) this.evaluator.setNamespace(name, labels);
        break;
      }
      case 'ServiceAccount': {
        const { namespace, name, labels } = readMetadata(fields);
        if (problems.length === 0) this.evaluator.setServiceAccount(namespace, name, labels);
        break;
      }
      case 'Node': {
        const node = readNode(fields);
        if (problems.length === 0) this.evaluator.setNode(node);
        break;
      }
      case 'Service': {
        const service = readService(fields);
        if (problems.length === 0) this.#setService(keyOfName(service.namespace, service.name), service);
        break;
      }
      case 'EndpointSlice': {
        const slice = readEndpointSlice(fields);
        if (problems.length === 0) this.#setSlice(keyOf(object), slice);
        break;
      }
    }
    return problems;
  }

  /** Removes an object; does nothing if it is not there. */
  remove(object: KubernetesObject): void {
    const { name, namespace = 'default' } = object.metadata;
    const key = keyOf(object);
    if (this.#unsupported.delete(key)) return;
    const resource = this.#resources.get(key);
    if (resource) {
      this.#resources.delete(key);
      this.evaluator.remove(resource);
      return;
    }
    switch (object.kind) {
      case 'Namespace':
        this.evaluator.setNamespace(name, undefined);
        break;
      case 'ServiceAccount':
        this.evaluator.setServiceAccount(namespace, name, undefined);
        break;
      case 'Node':
        this.evaluator.deleteNode(name);
        break;
      case 'Service':
        this.#setService(keyOfName(namespace, name), undefined);
        break;
      case 'EndpointSlice':
        this.#setSlice(key, undefined);
        break;
    }
  }

  #setService(key: string, service: ManifestService | undefined): void {
    const before = this.#services.get(key);
    for (const address of before?.addresses ?? []) {
      const text = formatAddress(address);
      if (this.servicesByAddress.get(text)?.service === before) this.servicesByAddress.delete(text);
    }
    if (service) this.#services.set(key, service);
    else this.#services.delete(key);
    this.#backendsChanged(key);
  }

  #setSlice(key: string, slice: ManifestSlice | undefined): void {
    const before = this.#slices.get(key);
    if (before) {
      const service = keyOfName(before.namespace, before.service);
      const slices = this.#slicesOf.get(service);
      slices?.delete(before);
      if (slices?.size === 0) this.#slicesOf.delete(service);
      this.#slices.delete(key);
      if (!slice || service !== keyOfName(slice.namespace, slice.service)) this.#backendsChanged(service);
    }
    if (!slice) return;
    const service = keyOfName(slice.namespace, slice.service);
    this.#slices.set(key, slice);
    this.#slicesOf.set(service, (this.#slicesOf.get(service) ?? new Set()).add(slice));
    this.#backendsChanged(service);
  }

  /** Tells the evaluator what stands behind a service, of which there may be only slices. */
  #backendsChanged(key: string): void {
    const service = this.#services.get(key);
    const slices = this.#slicesOf.get(key);
    const [namespace = '', name = ''] = key.split('/');
    if (!service && !slices) {
      this.evaluator.deleteService(namespace, name);
      return;
    }
    const known = slices !== undefined || (service !== undefined && !service.selector);
    const endpoints = known ? [...(slices ?? [])].flatMap((slice) => slice.endpoints) : undefined;
    this.evaluator.setService({ namespace, name, endpoints });
    if (!service) return;
    for (const address of service.addresses) {
      this.servicesByAddress.set(formatAddress(address), { service, endpoints });
    }
  }
}

function keyOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  return `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

function keyOfName(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
