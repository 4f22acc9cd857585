import { AddressError, formatAddress, parseAddress } from '../net/address.js';
import { parsePrefix } from '../net/prefix.js';
import type { KubernetesObject, Node } from './objects.js';

/** The addresses of a node, as text. */
export interface NodeAddresses {
  /** Addresses that the node's object lists: of its interfaces and tunnel devices. */
  readonly own: readonly string[];
  /** Addresses that follow from the node's pod ranges; a pod that has one of them takes precedence. */
  readonly derived: readonly string[];
}

/** The fields of a Node that determine its addresses. */
export type NodeAddressFields = Pick<Node, 'spec' | 'status'> & {
  readonly metadata: Pick<KubernetesObject['metadata'], 'annotations'>;
};

/** Annotations with addresses of a node: an address with or without a length, a comma-separated list, or JSON of these. */
const ADDRESS_ANNOTATIONS = [
  // kubelet
  'alpha.kubernetes.io/provided-node-ip',
  // Calico (calico/node, libcalico-go)
  ...['Address', 'VXLANTunnelAddr', 'IPIPTunnelAddr', 'WireguardInterfaceAddr'].flatMap((name) => [
    `projectcalico.org/IPv4${name}`,
    `projectcalico.org/IPv6${name}`,
  ]),
  // Cilium (pkg/annotation), with its names before 1.13
  ...['network.cilium.io/', 'io.cilium.network.'].flatMap((prefix) => [
    `${prefix}ipv4-cilium-host`,
    `${prefix}ipv6-cilium-host`,
  ]),
  // Antrea
  'node.antrea.io/transport-addresses',
  // flannel
  ...['public-ip', 'public-ipv6', 'public-ip-overwrite', 'public-ipv6-overwrite'].map(
    (name) => `flannel.alpha.coreos.com/${name}`,
  ),
  // OVN-Kubernetes
  ...['node-primary-ifaddr', 'host-cidrs', 'host-addresses'].map((name) => `k8s.ovn.org/${name}`),
  ...['node-gateway-router-lrp-ifaddr', 'node-gateway-router-lrp-ifaddrs'].map(
    (name) => `k8s.ovn.org/${name}`,
  ),
];

/** The encapsulation of flannel; its VXLAN device has the first address of the pod range, the network's own. */
const FLANNEL_BACKEND = 'flannel.alpha.coreos.com/backend-type';
/** The pod ranges of a node with OVN-Kubernetes, whose management port has the second address of each. */
const OVN_SUBNETS = 'k8s.ovn.org/node-subnets';

const USED_ANNOTATIONS: ReadonlySet<string> = new Set([...ADDRESS_ANNOTATIONS, FLANNEL_BACKEND, OVN_SUBNETS]);

/** The annotations of a node that {@link nodeAddresses} uses; undefined if there are none. */
export function addressAnnotations(
  annotations: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> | undefined {
  const used = Object.entries(annotations).filter(([name]) => USED_ANNOTATIONS.has(name));
  return used.length > 0 ? Object.fromEntries(used) : undefined;
}

/**
 * All addresses of a node: those of its status, those of tunnel devices that network plugins note in annotations, and
 * those that devices get from the node's pod ranges (the gateway of bridge plugins and Antrea, flannel's VXLAN device, the
 * management port of OVN-Kubernetes). Traffic of the node to pods has any of them as its source.
 */
export function nodeAddresses({ metadata, spec = {}, status = {} }: NodeAddressFields): NodeAddresses {
  const { annotations = {} } = metadata;
  const { podCIDR = '', podCIDRs = [podCIDR] } = spec;
  const listed = (status.addresses ?? [])
    .filter(({ type }) => type.endsWith('IP'))
    .map(({ address }) => address);
  const annotated = ADDRESS_ANNOTATIONS.flatMap((name) => addressesIn(annotations[name]));
  const ranges = podCIDRs.filter(Boolean);
  const derived = [
    ...ranges.flatMap((range) => addressAt(range, 1)),
    ...(annotations[FLANNEL_BACKEND] === 'vxlan' ? ranges.flatMap((range) => addressAt(range, 0)) : []),
    ...stringsIn(annotations[OVN_SUBNETS]).flatMap((range) => addressAt(range, 2)),
  ];
  return { own: [...new Set([...listed, ...annotated])], derived: [...new Set(derived)] };
}

/** The addresses in an annotation, without their lengths; other text is ignored. */
function addressesIn(text: string | undefined): string[] {
  return stringsIn(text).flatMap((part) => {
    const address = part.replace(/\/\d+$/, '');
    return isAddress(address) ? [address] : [];
  });
}

/** The strings in an annotation: those of its JSON, or the parts of a comma-separated list. */
function stringsIn(text = ''): string[] {
  if (!/^[{[]/.test(text)) return text.split(',').map((part) => part.trim());
  try {
    return leaves(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}

/** The address with an index in a range; none if the text is not a range, or the range has no such address. */
function addressAt(range: string, index: number): string[] {
  try {
    const { network, bits } = parsePrefix(range);
    if (bits > 126) return [];
    const address = network.slice();
    address[15] = (address[15] ?? 0) + index;
    return [formatAddress(address)];
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return [];
  }
}

function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return false;
  }
}
