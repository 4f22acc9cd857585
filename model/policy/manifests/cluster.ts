import { formatAddress } from '../../net/address.js';
import type { KubernetesObject } from '../../cluster/objects.js';
import { PolicyEvaluator } from '../evaluator.js';
import { Fields, type FieldProblem } from '../resources/fields.js';
import { readPolicyObject, type PolicyResource } from '../read-object.js';
import {
  readEndpointSlice,
  readMetadata,
  readNode,
  readPod,
  readService,
  type ManifestPod,
  type ManifestService,
  type ManifestSlice,
} from './kubernetes.js';

/** A cluster as manifests describe it, ready for the evaluation of connections. */
export interface ManifestCluster {
  readonly evaluator: PolicyEvaluator;
  /** Pods by `namespace/name`. */
  readonly pods: ReadonlyMap<string, ManifestPod>;
  /** Pods by the text of an address that they hold. */
  readonly podsByAddress: ReadonlyMap<string, ManifestPod>;
  /** The names of nodes by the text of their addresses. */
  readonly nodesByAddress: ReadonlyMap<string, string>;
  /** Services by the text of their virtual addresses. */
  readonly servicesByAddress: ReadonlyMap<string, ServiceBackends>;
  /** Addresses by domain name; undefined if DNS answers are not known. */
  readonly dns: ReadonlyMap<string, readonly Uint8Array[]> | undefined;
  /** Namespaces that pods are in, though there is no such object. */
  readonly missingNamespaces: readonly string[];
  readonly resources: readonly PolicyResource[];
}

export interface ServiceBackends {
  readonly service: ManifestService;
  /** Undefined if they are not known. */
  readonly endpoints: ManifestSlice['endpoints'] | undefined;
}

/** An object that cannot be used: by its place in the list that was read. */
export interface ObjectProblem extends FieldProblem {
  readonly object: number;
}

/**
 * Builds a cluster from Kubernetes objects of all kinds; those that have nothing to do with policies are passed
 * over. An object with problems counts as absent.
 */
export function readManifestCluster(
  objects: readonly KubernetesObject[],
  dns?: ReadonlyMap<string, readonly Uint8Array[]>,
): { cluster: ManifestCluster; problems: ObjectProblem[] } {
  const problems: ObjectProblem[] = [];
  const evaluator = new PolicyEvaluator({ cacheCapacity: 1 << 14 });
  const pods: ManifestPod[] = [];
  const services: ManifestService[] = [];
  const slices: ManifestSlice[] = [];
  const namespaces = new Set<string>();
  const nodesByAddress = new Map<string, string>();
  const resources: PolicyResource[] = [];

  const readers: Readonly<Record<string, (fields: Fields) => () => void>> = {
    Namespace: (fields) => {
      const { name, labels } = readMetadata(fields);
      return () => {
        namespaces.add(name);
        evaluator.setNamespace(name, labels);
      };
    },
    ServiceAccount: (fields) => {
      const { namespace, name, labels } = readMetadata(fields);
      return () => evaluator.setServiceAccount(namespace, name, labels);
    },
    Node: (fields) => {
      const node = readNode(fields);
      return () => {
        evaluator.setNode(node);
        for (const address of node.addresses) nodesByAddress.set(formatAddress(address), node.name);
      };
    },
    Pod: (fields) => collect(pods, readPod(fields)),
    Service: (fields) => collect(services, readService(fields)),
    EndpointSlice: (fields) => collect(slices, readEndpointSlice(fields)),
  };

  const texts = new Map<string, string>();
  for (const [index, object] of objects.entries()) {
    const key = `${object.apiVersion} ${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const text = JSON.stringify(object);
    const before = texts.get(key);
    if (before === text) continue;
    texts.set(key, text);
    const reading = readPolicyObject(object);
    const found: FieldProblem[] = reading.is === 'invalid' ? [...reading.problems] : [];
    if (before !== undefined && (reading.is !== 'other' || Object.hasOwn(readers, object.kind))) {
      found.push({
        field: 'metadata.name',
        reason: 'is that of another object of the same kind, which differs',
      });
    }
    if (reading.is === 'resource') {
      resources.push(reading.resource);
      evaluator.apply(reading.resource);
    } else if (reading.is === 'other') {
      const take = readers[object.kind]?.(new Fields(object, '', found));
      if (found.length === 0) take?.();
    }
    problems.push(...found.map((problem) => ({ ...problem, object: index })));
  }

  const backends = services.map((service): ServiceBackends => {
    const own = slices.filter(
      (slice) => slice.namespace === service.namespace && slice.service === service.name,
    );
    const known = own.length > 0 || !service.selector;
    return { service, endpoints: known ? own.flatMap(({ endpoints }) => endpoints) : undefined };
  });
  for (const { service, endpoints } of backends) evaluator.setService({ ...service, endpoints });
  // Slices may stand without their service object: what is behind the name is known all the same.
  const named = new Set(services.map(({ namespace, name }) => `${namespace}/${name}`));
  for (const { namespace, service } of slices) {
    if (named.has(`${namespace}/${service}`)) continue;
    const own = slices.filter((slice) => slice.namespace === namespace && slice.service === service);
    evaluator.setService({ namespace, name: service, endpoints: own.flatMap(({ endpoints }) => endpoints) });
  }
  if (dns) {
    evaluator.markDomainsKnown();
    for (const [name, addresses] of dns) evaluator.setDomain(name, addresses);
  }
  const holding = pods.filter(({ hostNetwork, finished }) => !hostNetwork && !finished);
  const cluster: ManifestCluster = {
    evaluator,
    pods: new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod])),
    podsByAddress: byAddress(holding, (pod) => pod.addresses),
    nodesByAddress,
    servicesByAddress: byAddress(backends, ({ service }) => service.addresses),
    dns,
    missingNamespaces: [...new Set(pods.map(({ namespace }) => namespace))].filter(
      (name) => !namespaces.has(name),
    ),
    resources,
  };
  return { cluster, problems };
}

function collect<Item>(into: Item[], item: Item): () => void {
  return () => {
    into.push(item);
  };
}

function byAddress<Item>(
  items: readonly Item[],
  addresses: (item: Item) => readonly Uint8Array[],
): ReadonlyMap<string, Item> {
  return new Map(
    items.flatMap((item) => addresses(item).map((address) => [formatAddress(address), item] as const)),
  );
}
