import { FROM_OWN_NODE, SELF, UNRELATED } from '@sonde/model/policy/evaluate/connection';

/** What policies see of a flow, as SQL over its record. It says what `enricher/policies.ts` says of columns. */

/** The server's port; of ICMP type × 256 + code. */
export const portSql = 'toUInt16(if(protocol IN (1, 58), icmp_type * 256 + icmp_code, dst_port))';

/** Whether packets went both ways and the connection's beginning was not seen. */
export const answeredSql =
  '(NOT (protocol = 6 AND bitAnd(tcp_flags, 2) != 0) AND packets_out > 0 AND packets_in > 0)';

/** ICMPv6 of neighbors and routers, which keeps a link going and passes below policies. */
export const isLinkUpkeepSql = '(protocol = 58 AND (icmp_type BETWEEN 130 AND 137 OR icmp_type = 143))';

/** How the ends stand to each other, by the numbers of `Relation`. */
export const relationSql = `multiIf(
  src_kind IN ('external', 'network_set') OR dst_kind IN ('external', 'network_set'), ${UNRELATED},
  src_name != '' AND src_kind = dst_kind AND src_namespace = dst_namespace AND src_name = dst_name, ${SELF},
  src_kind IN ('node', 'host_network_pod') AND src_node != '' AND src_node = dst_node,
    if(dst_kind IN ('node', 'host_network_pod'), ${SELF}, ${FROM_OWN_NODE}),
  ${UNRELATED})`;
