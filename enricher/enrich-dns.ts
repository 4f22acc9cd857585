import type { DeliveredBatch } from '@sonde/backbone/transport/transport';
import { type EnrichedDns, observedDnsFields } from '@sonde/model/dns/records';
import type { TextColumn } from '@sonde/model/flow/columns';
import { joinColumns } from '@sonde/model/flow/join-columns';
import type { EnrichmentContext } from './context.js';
import { attributeEnds, type FlowEnds, prefixed } from './ends.js';
import { origin } from './origin.js';

/**
 * The DNS look-ups of batches from the transport as the store takes them: every field filled. Flows of the same
 * batches are enriched after them, since the context learns from the answers how to name addresses.
 */
export function enrichDns(delivered: readonly DeliveredBatch[], context: EnrichmentContext): EnrichedDns {
  const parts = delivered.flatMap(({ batch }) => batch.dns ?? []);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const observed = joinColumns(observedDnsFields, parts);
  const clients = attributeEnds(context.cluster, observed.src_ip, observed.start_time);
  context.domains.learn(context.cluster, { rows, columns: observed }, clients);
  const where = origin(delivered, (batch) => batch.dns?.rows ?? 0);
  const columns = {
    ...observed,
    ...where,
    primary: primary(where.node, clients, context),
    ...prefixed('src', clients.columns),
  };
  return { rows, columns };
}

/**
 * A look-up between two monitored nodes is reported by both: the record of the client's node is the one that counts.
 */
function primary(node: TextColumn, clients: FlowEnds, context: EnrichmentContext): Uint8Array {
  return Uint8Array.from(clients.identities, (identity, row) => {
    const client = context.cluster.identities.identity(identity);
    const isElsewhere = client?.kind === 'pod' && client.node !== node.dictionary[node.indexes[row] ?? 0];
    return Number(!(isElsewhere && context.isMonitored(client.node)));
  });
}
