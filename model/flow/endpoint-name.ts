import type { EnumerationValue } from './enumerations.js';

/** The fields of a record that name one side of a connection. */
export interface NamedEndpoint {
  readonly kind: EnumerationValue<'src_kind'>;
  readonly namespace: string;
  readonly workload: string;
  readonly name: string;
  readonly address: string;
  readonly domain: string;
}

/**
 * The best name of an endpoint for people: `shop/web` for pods, by their workload; `service shop/api`; `node node-a`;
 * outside the cluster the domain or the address, with the network set in brackets. Redacted endpoints have their address.
 */
export function endpointName({ kind, namespace, workload, name, address, domain }: NamedEndpoint): string {
  const qualified = [namespace, workload || name].filter(Boolean).join('/');
  const outside = domain || address;
  if (kind === 'external' || qualified === '') return outside;
  if (kind === 'network_set') return `${outside} [${qualified}]`;
  return kind === 'service' || kind === 'node' ? `${kind} ${qualified}` : qualified;
}

/** {@link endpointName} as a ClickHouse SQL expression over a flow record. */
export function endpointNameSql(end: 'src' | 'dst'): string {
  const own = `if(${end}_workload != '', ${end}_workload, ${end}_name)`;
  const qualified = `concat(${end}_namespace, if(${end}_namespace = '' OR ${own} = '', '', '/'), ${own})`;
  // IPv4 addresses are stored mapped into IPv6.
  const address = `replaceRegexpOne(toString(${end}_ip), '^::ffff:([0-9]+[.][0-9.]+)$', '\\\\1')`;
  const outside = `if(${end}_domain != '', toString(${end}_domain), ${address})`;
  return `multiIf(
    ${end}_kind = 'external' OR ${qualified} = '', ${outside},
    ${end}_kind = 'network_set', concat(${outside}, ' [', ${qualified}, ']'),
    ${end}_kind IN ('service', 'node'), concat(toString(${end}_kind), ' ', ${qualified}),
    ${qualified})`;
}
