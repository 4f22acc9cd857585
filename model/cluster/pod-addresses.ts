import { formatAddress } from '../net/address.js';
import type { ContainerPort, Pod } from './objects.js';

/** Networks of a pod as Multus and other meta plugins report them (Network Plumbing Working Group, NetworkStatus). */
export const NETWORK_STATUS_ANNOTATION = 'k8s.v1.cni.cncf.io/network-status';

/** All addresses of a pod as text: those of its status, and those of secondary networks. */
export function addressesOf(pod: Pod): string[] {
  return [...primaryAddresses(pod), ...secondaryAddresses(pod)];
}

/** The addresses of a pod's secondary networks as text; none if the annotation is absent or not valid. */
export function secondaryAddresses(pod: Pod): string[] {
  const text: unknown = pod.metadata.annotations?.[NETWORK_STATUS_ANNOTATION];
  if (typeof text !== 'string') return [];
  const ips = parseList(text).flatMap((network): unknown[] =>
    Array.isArray(network.ips) ? network.ips : [],
  );
  // The default network is listed, too.
  const primary = new Set(primaryAddresses(pod));
  return [...new Set(ips)].filter((ip): ip is string => typeof ip === 'string' && !primary.has(ip));
}

/** Whether the address at `offset` of `addresses` is one of a pod's secondary networks. */
export function isSecondaryAddress(pod: Pod, addresses: Uint8Array, offset: number): boolean {
  const secondary = secondaryAddresses(pod);
  return secondary.length > 0 && secondary.includes(formatAddress(addresses, offset));
}

function primaryAddresses({ status }: Pod): string[] {
  const { podIP = '', podIPs = [{ ip: podIP }] } = status ?? {};
  return podIPs.map(({ ip }) => ip).filter(Boolean);
}

/** The ports of a pod's containers, including those of sidecars. */
export function containerPorts({ spec }: Pod): readonly ContainerPort[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(spec?.containers ?? []), ...sidecars].flatMap(({ ports }) => ports ?? []);
}

function parseList(text: string): readonly { readonly ips?: unknown }[] {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return [];
    return value.filter((one): one is object => typeof one === 'object' && one !== null);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
