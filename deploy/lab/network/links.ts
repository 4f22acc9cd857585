import {
  familyOf,
  type IpFamily,
  type LabCluster,
  type LabNode,
  type LabPod,
} from '../definition/cluster.js';
import type { Outside } from '../definition/outside.js';
import { nodeNamespace, outsideNamespace, podInterface, podNamespace } from './names.js';

/*
 * The commands that build a lab's links, addresses and routes: lines for `ip -batch`, a list for each namespace.
 */

/** The gateway that every pod sees, of both families; each pod interface on a node answers to it. */
const podGateway = { 4: '169.254.1.1', 6: 'fe80::1' } as const;

/** The prefix length of a single address. */
const hostPrefix = { 4: 32, 6: 128 } as const;

/** The nodes' network: their internal addresses and the outside's gateway share it. */
const fabricPrefix = { 4: 24, 6: 64 } as const;

/** In the fabric: a bridge with a veth pair to each node and to the external network, whose other end is `eth0`. */
export function fabricCommands(lab: string, cluster: LabCluster): string[] {
  const cables = [
    ...cluster.nodes.map((node) => ({ port: node.name, netns: nodeNamespace(lab, node) })),
    { port: 'external', netns: outsideNamespace(lab) },
  ];
  return [
    'link add fabric type bridge mcast_snooping 0',
    'link set fabric addrgenmode none up',
    ...cables.flatMap(({ port, netns }) => [
      `link add ${port} type veth peer name eth0 netns ${netns}`,
      `link set ${port} addrgenmode none master fabric up`,
    ]),
  ];
}

/** In a node: its address, a route to every other node's pods, and one to each pod of its own. */
export function nodeCommands(lab: string, node: LabNode, cluster: LabCluster, outside: Outside): string[] {
  const others = cluster.nodes.filter(({ name }) => name !== node.name);
  const pods = cluster.pods.filter((pod) => pod.node === node.name && !pod.hostNetwork);
  return [
    'link set lo up',
    'link set eth0 up',
    ...node.addresses.map((address) => addAddress(address, fabricPrefix, 'eth0')),
    ...outside.gateway.map((gateway) => `route add default via ${gateway}`),
    ...others.flatMap(routesToPods),
    ...pods.flatMap((pod) => podCableCommands(lab, pod)),
  ];
}

/** A pod is connected to its node by a veth pair and routed, as with Calico; nodes have no bridge. */
export function podCableCommands(lab: string, pod: LabPod): string[] {
  const name = podInterface(pod);
  return [
    `link add ${name} type veth peer name eth0 netns ${podNamespace(lab, pod)}`,
    `link set ${name} alias ${pod.namespace}/${pod.name} up`,
    `address add ${podGateway[4]}/32 dev ${name} scope link`,
    `address add ${podGateway[6]}/64 dev ${name}`,
    ...pod.addresses.map((address) => `route add ${address} dev ${name}`),
  ];
}

/** In a pod: its addresses, and everything else by way of the gateway. */
export function podCommands(pod: LabPod): string[] {
  return [
    'link set lo up',
    'link set eth0 up',
    ...pod.addresses.flatMap((address) => {
      const family = familyOf(address);
      return [
        addAddress(address, hostPrefix, 'eth0'),
        `route add default via ${podGateway[family]} dev eth0 onlink`,
      ];
    }),
  ];
}

/** In the external network: the addresses of gateway and hosts, and routes back to every node's pods. */
export function outsideCommands(cluster: LabCluster, outside: Outside): string[] {
  const hostAddresses = outside.hosts.flatMap((host) => host.addresses);
  return [
    'link set lo up',
    'link set eth0 up',
    ...outside.gateway.map((address) => addAddress(address, fabricPrefix, 'eth0')),
    ...hostAddresses.map((address) => addAddress(address, hostPrefix, 'lo')),
    ...cluster.nodes.flatMap(routesToPods),
  ];
}

function addAddress(address: string, prefix: Readonly<Record<IpFamily, number>>, device: string): string {
  return `address add ${address}/${prefix[familyOf(address)]} dev ${device}`;
}

function routesToPods(node: LabNode): string[] {
  return node.podCidrs.flatMap((cidr) => {
    const family = cidr.includes(':') ? 6 : 4;
    const via = node.addresses.find((address) => familyOf(address) === family);
    return via === undefined ? [] : [`route add ${cidr} via ${via}`];
  });
}
