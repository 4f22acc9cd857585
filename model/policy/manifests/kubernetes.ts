import { AddressError, parseAddress } from '../../net/address.js';
import type { ServiceEndpoint } from '../address/services.js';
import type { PolicyNode, PolicyPod } from '../endpoint/pods-and-nodes.js';
import { protocolNumber, TCP } from '../../net/protocol.js';
import { nodeAddresses } from '../../cluster/node-addresses.js';
import { serviceAddresses, type ServiceAddressFields } from '../../cluster/service-addresses.js';
import type { EndpointPort } from '../resources/endpoints.js';
import type { Fields } from '../resources/fields.js';

/** A core/v1 Pod, reduced to what policies depend on. */
export interface ManifestPod extends PolicyPod {
  readonly name: string;
  /** 16 bytes each; empty if the pod currently has none. */
  readonly addresses: readonly Uint8Array[];
  readonly hostNetwork: boolean;
  readonly node: string;
  /** Whether the pod has finished: its address may belong to another pod. */
  readonly finished: boolean;
}

/** A core/v1 Service, reduced to what translates its addresses to endpoints. */
export interface ManifestService {
  readonly namespace: string;
  readonly name: string;
  /** Virtual addresses, 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
  readonly ports: readonly ServicePort[];
  /**
   * The labels by which Kubernetes finds the endpoints; undefined if a third party writes the EndpointSlices.
   */
  readonly selector: Readonly<Record<string, string>> | undefined;
}

export interface ServicePort {
  readonly name: string;
  readonly protocol: number;
  readonly port: number;
  /** The port of the backend pods, by number or name. */
  readonly targetPort: number | string;
}

/** A discovery.k8s.io/v1 EndpointSlice: endpoints of one service, by service port name. */
export interface ManifestSlice {
  readonly namespace: string;
  readonly service: string;
  readonly endpoints: readonly (ServiceEndpoint & { readonly portName: string })[];
}

interface Metadata {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Reads `metadata`; without a namespace, namespaced objects are in `default`. */
export function readMetadata(fields: Fields): Metadata {
  return fields.requiredObject('metadata', (metadata) => ({
    namespace: metadata.string('namespace') ?? 'default',
    name: metadata.requiredString('name'),
    labels: metadata.labels('labels'),
  }));
}

/** Reads a pod. The service account defaults to `default`, as in the API server. */
export function readPod(fields: Fields): ManifestPod {
  const { namespace, name, labels } = readMetadata(fields);
  const spec = fields.object('spec', (pod) => ({
    hostNetwork: pod.boolean('hostNetwork') ?? false,
    node: pod.string('nodeName') ?? '',
    serviceAccount: pod.string('serviceAccountName') ?? 'default',
    ports: [
      ...(pod.objects('containers', readContainer) ?? []).flatMap(({ ports }) => ports),
      ...(pod.objects('initContainers', readContainer) ?? []).flatMap(({ sidecar, ports }) =>
        sidecar ? ports : [],
      ),
    ],
  })) ?? { hostNetwork: false, node: '', serviceAccount: 'default', ports: [] };
  const status = fields.object('status', (pod) => ({
    finished: ['Succeeded', 'Failed'].includes(pod.string('phase') ?? ''),
    addresses: pod.has('podIPs')
      ? (pod.objects('podIPs', (ip) => readAddresses(ip, 'ip')) ?? []).flat()
      : readAddresses(pod, 'podIP'),
  })) ?? { finished: false, addresses: [] };
  return { namespace, name, labels, ...spec, ...status };
}

function readContainer(fields: Fields): { sidecar: boolean; ports: EndpointPort[] } {
  const ports = fields.objects('ports', (port) => ({
    name: port.string('name') ?? '',
    protocol: readProtocol(port),
    port: port.integer('containerPort', 1, 65_535) ?? 0,
  }));
  return {
    sidecar: fields.string('restartPolicy') === 'Always',
    ports: (ports ?? []).filter(({ name }) => name !== ''),
  };
}

/** Reads a node. */
export function readNode(fields: Fields): PolicyNode {
  const { name, labels } = readMetadata(fields);
  const annotations = fields.object('metadata', (metadata) => metadata.labels('annotations')) ?? {};
  const addresses = fields.object('status', (status) =>
    status.objects('addresses', (address) => ({
      type: address.string('type') ?? '',
      address: address.string('address') ?? '',
    })),
  );
  const spec = fields.object('spec', (node) =>
    node.has('podCIDRs') ? { podCIDRs: node.strings('podCIDRs') } : { podCIDR: node.string('podCIDR') ?? '' },
  );
  const { own, derived } = nodeAddresses({
    metadata: { annotations },
    ...(spec && { spec }),
    status: { addresses: addresses ?? [] },
  });
  const read = [...own, ...derived].flatMap(
    (text) => readAddress(text, (reason) => fields.problem('status.addresses', `${text} ${reason}`)) ?? [],
  );
  return { name, labels, addresses: read };
}

/** Reads a service. */
export function readService(fields: Fields): ManifestService {
  const { namespace, name } = readMetadata(fields);
  const ingress = fields.object('status', (status) =>
    status.object('loadBalancer', (balancer) => balancer.objects('ingress', readIngress)),
  );
  const spec = fields.object('spec', (service) => ({
    addresses: readServiceAddresses(fields, {
      spec: {
        ...(service.has('clusterIPs')
          ? { clusterIPs: service.strings('clusterIPs') }
          : { clusterIP: service.string('clusterIP') ?? '' }),
        externalIPs: service.strings('externalIPs'),
      },
      status: { loadBalancer: { ingress: ingress ?? [] } },
    }),
    ports:
      service.objects('ports', (port) => {
        const number = port.integer('port', 1, 65_535) ?? 0;
        return {
          ...{ name: port.string('name') ?? '', protocol: readProtocol(port), port: number },
          targetPort: port.numberOrString('targetPort') ?? number,
        };
      }) ?? [],
    selector: selectorOf(service),
  }));
  return { namespace, name, ...(spec ?? { addresses: [], ports: [], selector: undefined }) };
}

/** The port of a pod for a service port; undefined if the pod has no port of that name. */
export function targetPort(
  { protocol, targetPort: target }: ServicePort,
  pod: Pick<PolicyPod, 'ports'>,
): number | undefined {
  if (typeof target === 'number') return target;
  return pod.ports.find((port) => port.name === target && port.protocol === protocol)?.port;
}

function readIngress(ingress: Fields): { ip: string; ipMode: string } {
  return { ip: ingress.string('ip') ?? '', ipMode: ingress.string('ipMode') ?? '' };
}

function readServiceAddresses(fields: Fields, service: ServiceAddressFields): Uint8Array[] {
  return serviceAddresses(service).flatMap(
    (text) => readAddress(text, (reason) => fields.problem('spec', `${text} ${reason}`)) ?? [],
  );
}

function selectorOf(service: Fields): ManifestService['selector'] {
  const labels = service.labels('selector');
  return Object.keys(labels).length > 0 ? labels : undefined;
}

/** Reads an EndpointSlice. */
export function readEndpointSlice(fields: Fields): ManifestSlice {
  const { namespace, labels } = readMetadata(fields);
  const ports = fields.objects('ports', (port) => ({
    portName: port.string('name') ?? '',
    protocol: readProtocol(port),
    port: port.integer('port', 1, 65_535),
  }));
  const addresses = (
    fields.objects('endpoints', (endpoint) => endpoint.items('addresses', readAddress)) ?? []
  ).flat();
  const service = labels['kubernetes.io/service-name'] ?? '';
  if (service === '') fields.problem('metadata.labels', 'lacks kubernetes.io/service-name');
  return {
    namespace,
    service,
    endpoints: (ports ?? []).flatMap(({ portName, protocol, port }) =>
      port === undefined ? [] : addresses.map((address) => ({ address, portName, protocol, port })),
    ),
  };
}

function readProtocol(fields: Fields): number {
  const protocol = protocolNumber(fields.string('protocol') ?? 'TCP');
  if (protocol === undefined) fields.problem('protocol', 'is not a protocol');
  return protocol ?? TCP;
}

/** The address in a field; none if it is absent or empty. */
function readAddresses(fields: Fields, name: string): Uint8Array[] {
  const text = fields.string(name) ?? '';
  const address = text === '' ? undefined : readAddress(text, (reason) => fields.problem(name, reason));
  return address ? [address] : [];
}

function readAddress(item: unknown, problem: (reason: string) => void): Uint8Array | undefined {
  try {
    if (typeof item === 'string') return parseAddress(item);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
  }
  problem('is not an address');
  return undefined;
}
