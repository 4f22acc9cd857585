import type { DeliveredBatch } from '@sonde/backbone/transport/interface/transport';
import { ColumnMemory } from '@sonde/model/record/column-memory';
import { type EnrichedDns, observedDnsFields } from '@sonde/model/dns/records';
import { joinColumns } from '@sonde/model/record/join-columns';
import type { EnrichmentContext } from './context.js';
import { BlockEndpoints, prefixed } from '../identity/block-endpoints.js';
import { origin } from './origin.js';
import { primaryLookups } from './primary.js';

/**
 * Enriches the DNS lookups of batches: returns them with every field. Enrich them before the flows of the same
 * batches, because the context learns names of addresses from their answers. Columns are allocated in `memory`.
 */
export function enrichDns(
  delivered: readonly DeliveredBatch[],
  context: EnrichmentContext,
  memory = new ColumnMemory(),
): EnrichedDns {
  const parts = delivered.flatMap(({ batch }) => batch.dns ?? []);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const observed = joinColumns(observedDnsFields, parts, memory);
  const ends = new BlockEndpoints(context.cluster, context.ends, memory);
  const addresses = ends.addresses.column(parts, 'src_ip', observed.src_ip, memory);
  const clients = ends.attribute(addresses, observed.start_time);
  const where = origin(delivered, (batch) => batch.dns?.rows ?? 0, memory);
  context.domains.learn(context.cluster, { rows, columns: observed }, clients, where.cluster);
  const columns = {
    ...observed,
    ...where,
    primary: primaryLookups(where.node, clients, context),
    ...prefixed('src', clients.columns),
  };
  return { rows, columns };
}
