import type { Filter } from '../filter/filter.js';
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

/**
 * ICMP errors (RFC 792, RFC 4443 section 2.1). They belong to the connection whose packet they quote: connection tracking
 * lets them through as related to it, whatever the policies say of their own addresses.
 */
export const ICMP_ERROR: Filter = parse(
  'protocol == "icmp" && (icmp_type >= 3 && icmp_type <= 5 || icmp_type == 11 || icmp_type == 12) || ' +
    'protocol == "icmpv6" && icmp_type >= 1 && icmp_type <= 4',
);

/** Only port numbers tell which side is the client, so that client and server may be swapped. */
export const GUESSED_DIRECTION: Filter = parse('orientation == "guessed"');

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
