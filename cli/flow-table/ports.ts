import { hasPorts, isIcmp, protocolName } from '@sonde/model/net/protocol';

/** A protocol as people write it: `tcp`, `icmp`, `protocol 47`. */
export function protocolText(protocol: number): string {
  const name = protocolName(protocol).toLowerCase();
  return name === String(protocol) ? `protocol ${name}` : name;
}

/** Protocol and server's port: `tcp 443`; of a protocol without ports its name alone. */
export function portText(protocol: number, port: number): string {
  return hasPorts(protocol) ? `${protocolText(protocol)} ${port}` : protocolText(protocol);
}

/** The same with type and code of ICMP, in one number as policies have them: `icmp 8/0`. */
export function portOrTypeText(protocol: number, port: number): string {
  return isIcmp(protocol)
    ? `${protocolText(protocol)} ${port >> 8}/${port & 0xff}`
    : portText(protocol, port);
}
