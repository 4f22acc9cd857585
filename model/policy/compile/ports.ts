import { protocolName } from '../../net/protocol.js';
import type { PortSet } from './compiled-policy.js';

/** One entry of a rule's port list: all ports of a protocol, some of them, or a named one. */
export interface PortMatch {
  /** Undefined for any protocol. */
  readonly protocol: number | undefined;
  /** Undefined for all ports. */
  readonly port: string | { readonly from: number; readonly to: number } | undefined;
}

/** The ports of one protocol; `ports` undefined for all of them. */
export interface ProtocolPorts {
  readonly protocol: number | undefined;
  readonly ports: PortSet | undefined;
}

/**
 * Groups a port list by protocol, as Calico's conversion does: protocols sorted by name, the ports of each merged into as
 * few ranges as possible. An empty list becomes one entry that matches everything.
 */
export function byProtocol(matches: readonly PortMatch[]): ProtocolPorts[] {
  if (matches.length === 0) return [{ protocol: undefined, ports: undefined }];
  const name = (protocol: number | undefined) => (protocol === undefined ? '' : protocolName(protocol));
  const protocols = [...new Set(matches.map(({ protocol }) => protocol))].sort((a, b) =>
    name(a) < name(b) ? -1 : 1,
  );
  return protocols.map((protocol) => {
    const ports = matches.filter((match) => match.protocol === protocol).map(({ port }) => port);
    return { protocol, ports: ports.includes(undefined) ? undefined : mergePorts(ports) };
  });
}

/** Ports as names and as few ranges as possible. */
export function mergePorts(
  ports: readonly (string | { readonly from: number; readonly to: number } | undefined)[],
): PortSet {
  const names = ports.filter((port) => typeof port === 'string');
  const ranges: number[] = [];
  const sorted = ports.filter((port) => typeof port === 'object').sort((a, b) => a.from - b.from);
  for (const { from, to } of sorted) {
    const end = ranges.at(-1);
    if (end !== undefined && from <= end + 1) ranges[ranges.length - 1] = Math.max(end, to);
    else ranges.push(from, to);
  }
  return { ranges, names: [...new Set(names)] };
}
