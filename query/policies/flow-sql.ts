import { filterSql } from '@sonde/model/filter/sql';
import { FROM_OWN_NODE, SELF, UNRELATED } from '@sonde/model/policy/evaluate/connection';
import { GUESSED_DIRECTION, ICMP_ERROR, LINK_UPKEEP } from '@sonde/model/policy/flow-conditions';
import type { SqlParameters } from '../sql/parameters.js';

/** What policies need to know of a flow, as SQL expressions over its record. */
export interface FlowSql {
  /** The server's port; for ICMP type × 256 + code. */
  readonly port: string;
  /** Condition: see {@link GUESSED_DIRECTION}. */
  readonly guessed: string;
  /** Condition: see {@link LINK_UPKEEP}. */
  readonly linkUpkeep: string;
  /** Condition: see {@link ICMP_ERROR}. */
  readonly icmpError: string;
  /** The relation of the two endpoints, by the numbers of `Relation`; the enricher finds the same from identities. */
  readonly relation: string;
}

/** The expressions for one statement; their values become `parameters`. */
export function flowSql(parameters: SqlParameters): FlowSql {
  return {
    port: 'toUInt16(if(protocol IN (1, 58), icmp_type * 256 + icmp_code, dst_port))',
    guessed: filterSql(GUESSED_DIRECTION, parameters),
    linkUpkeep: filterSql(LINK_UPKEEP, parameters),
    icmpError: filterSql(ICMP_ERROR, parameters),
    relation: `multiIf(
  src_kind IN ('external', 'network_set') OR dst_kind IN ('external', 'network_set'), ${UNRELATED},
  src_name != '' AND src_kind = dst_kind AND src_namespace = dst_namespace AND src_name = dst_name, ${SELF},
  src_kind IN ('node', 'host_network_pod') AND src_node != '' AND src_node = dst_node,
    if(dst_kind IN ('node', 'host_network_pod'), ${SELF}, ${FROM_OWN_NODE}),
  ${UNRELATED})`,
  };
}
