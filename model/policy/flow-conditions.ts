import { type Filter, allOf, not } from '../filter/filter.js';
import { parseFilter } from '../filter/parse.js';
import type { EnumerationValue } from '../flow/enumerations.js';
import { flowFields } from '../flow/fields.js';

/**
 * What policies need to know of a flow, defined once: the enricher evaluates these conditions on columns
 * (`filterPredicate`), policy queries in SQL (`filterSql`), and the policy preview on the results.
 */

/**
 * Neighbor and router discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 3810). They keep the link
 * up and pass below policies: enforcement must let them through for the link to work at all.
 */
export const LINK_UPKEEP: Filter = parse(
  'protocol == "icmpv6" && (icmp_type >= 130 && icmp_type <= 137 || icmp_type == 143)',
);

const TCP_SYN = 2;

/**
 * Packets went both ways and the beginning of the connection was not seen, so that client and server may be swapped.
 */
export const ANSWERED: Filter = allOf([
  parse('packets_out > 0'),
  parse('packets_in > 0'),
  not(allOf([parse('protocol == "tcp"'), { kind: 'bits', field: field('tcp_flags'), mask: TCP_SYN }])),
]);

/** The kinds of endpoints that a flow record tells. */
export type EndpointKind = EnumerationValue<'src_kind'>;

/**
 * Whether policies govern a flow: if one of its endpoints is a pod, or if any policy was consulted, as with host
 * endpoints. Other flows have no verdict.
 */
export function isGoverned(
  src: EndpointKind | undefined,
  dst: EndpointKind | undefined,
  hasTrace: boolean,
): boolean {
  return src === 'pod' || dst === 'pod' || hasTrace;
}

function parse(text: string): Filter {
  return parseFilter(text, flowFields);
}

function field(name: 'tcp_flags') {
  const declared = flowFields.find((one) => one.name === name);
  if (!declared) throw new RangeError(`the flow record has no field ${name}`);
  return declared;
}
