import { isIPv6 } from 'node:net';
import { LabDefinitionError, type Fields } from './fields.js';

/** The parts of a cluster's objects that define its network. */
export interface LabCluster {
  nodes: LabNode[];
  /** Running pods, also those in their node's network. */
  pods: LabPod[];
  services: LabService[];
}

export interface LabNode {
  name: string;
  /** Internal addresses, at most one per family. */
  addresses: string[];
  /** The pod CIDRs of this node. */
  podCidrs: string[];
}

export interface LabPod {
  namespace: string;
  name: string;
  node: string;
  labels: Record<string, string>;
  hostNetwork: boolean;
  /** At most one a family. */
  addresses: string[];
}

export interface LabService {
  namespace: string;
  name: string;
  /** Cluster addresses, at most one per family; empty for a headless service. */
  addresses: string[];
  ports: LabServicePort[];
}

export interface LabServicePort {
  protocol: 'tcp' | 'udp';
  port: number;
  /** The ready endpoints' addresses and ports, of both families. */
  endpoints: { address: string; port: number }[];
}

export type IpFamily = 4 | 6;

export function familyOf(address: string): IpFamily {
  return isIPv6(address) ? 6 : 4;
}

/**
 * Reads nodes, pods, services and their endpoints from Kubernetes objects (core/v1, discovery.k8s.io/v1); ignores other
 * kinds.
 * @throws {LabDefinitionError} when an object lacks what the network needs.
 */
export function readCluster(objects: readonly Fields[]): LabCluster {
  const ofKind = (kind: string) => objects.filter((object) => object.text('kind') === kind);
  const nodes = ofKind('Node').map(readNode);
  const pods = ofKind('Pod').map((object) => readPod(object, nodes));
  const slices = ofKind('EndpointSlice');
  const services = ofKind('Service').map((object) => readService(object, slices));
  return { nodes, pods, services };
}

function readNode(object: Fields): LabNode {
  const addresses = object
    .fields('status')
    .list('addresses')
    .filter((address) => address.text('type') === 'InternalIP')
    .map((address) => address.text('address'));
  if (addresses.length === 0) throw object.invalid('status', 'a status with an InternalIP address');
  return { name: nameOf(object).name, addresses, podCidrs: object.fields('spec').texts('podCIDRs') };
}

function readPod(object: Fields, nodes: readonly LabNode[]): LabPod {
  const spec = object.fields('spec');
  const status = object.fields('status');
  const node = spec.text('nodeName');
  if (!nodes.some(({ name }) => name === node))
    throw spec.invalid('nodeName', 'the name of a Node of this lab');
  status.oneOf('phase', ['Running']);
  const addresses = status.list('podIPs').map((address) => address.text('ip'));
  if (addresses.length === 0) throw status.invalid('podIPs', 'a list with at least one address');
  return {
    ...nameOf(object),
    node,
    labels: object.fields('metadata').textMap('labels'),
    hostNetwork: spec.isTrue('hostNetwork'),
    addresses,
  };
}

function readService(object: Fields, slices: readonly Fields[]): LabService {
  const { namespace, name } = nameOf(object);
  const spec = object.fields('spec');
  const own = slices.filter((slice) => {
    const { labels, ...of } = { ...nameOf(slice), labels: slice.fields('metadata').textMap('labels') };
    return of.namespace === namespace && labels['kubernetes.io/service-name'] === name;
  });
  return {
    namespace,
    name,
    addresses: spec.texts('clusterIPs').filter((address) => address !== 'None'),
    ports: spec.list('ports').map((port) => readServicePort(port, own)),
  };
}

function readServicePort(port: Fields, slices: readonly Fields[]): LabServicePort {
  const portName = port.textOr('name', '');
  const endpoints = slices.flatMap((slice) => {
    const target = slice.list('ports').find((candidate) => candidate.textOr('name', '') === portName);
    if (!target) return [];
    return slice
      .list('endpoints')
      .filter((endpoint) => endpoint.fields('conditions').isTrue('ready'))
      .flatMap((endpoint) => endpoint.texts('addresses'))
      .map((address) => ({ address, port: target.count('port') }));
  });
  const protocol = port.oneOf('protocol', ['TCP', 'UDP']) === 'TCP' ? 'tcp' : 'udp';
  return { protocol, port: port.count('port'), endpoints };
}

function nameOf(object: Fields): { namespace: string; name: string } {
  const metadata = object.fields('metadata');
  return { namespace: metadata.textOr('namespace', ''), name: metadata.text('name') };
}

/**
 * The one pod in a namespace that carries all of these labels, and its replicas.
 * @throws {LabDefinitionError} when there is none.
 */
export function podsByLabels(
  cluster: LabCluster,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): LabPod[] {
  const found = cluster.pods.filter(
    (pod) =>
      pod.namespace === namespace &&
      Object.entries(labels).every(([key, value]) => pod.labels[key] === value),
  );
  if (found.length === 0) {
    throw new LabDefinitionError(
      `No pod in namespace ${namespace} has the labels ${JSON.stringify(labels)}.`,
    );
  }
  return found;
}
