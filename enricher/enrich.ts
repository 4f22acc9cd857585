import type { DeliveredBatch } from '@sonde/backbone/transport/transport';
import { addressClass } from '@sonde/model/cluster/address-class';
import type { EnrichedFlows } from '@sonde/model/flow/batch';
import type { FlowColumns } from '@sonde/model/flow/columns';
import { joinColumns } from '@sonde/model/flow/join-columns';
import { observedFlowFields } from '@sonde/model/flow/observed';
import type { EnrichmentContext } from './context.js';
import { attributeEnds, prefixed } from './ends.js';
import { judge } from './evidence.js';
import { origin } from './origin.js';
import { primaryFlows } from './primary.js';
import { addressedServices } from './services.js';

/** The flows of batches from the transport as the store takes them: every field of every flow filled. */
export function enrich(delivered: readonly DeliveredBatch[], context: EnrichmentContext): EnrichedFlows {
  const { cluster } = context;
  const rows = delivered.reduce((sum, { batch }) => sum + batch.rows, 0);
  const observed = joinColumns(
    observedFlowFields,
    delivered.map(({ batch }) => batch),
  );
  const { start_time, protocol: protocols } = observed;
  const atNodes = { who: 'pods', protocols } as const;
  const src = attributeEnds(cluster, observed.src_ip, start_time, { ...atNodes, ports: observed.src_port });
  const dst = attributeEnds(cluster, observed.dst_ip, start_time, { ...atNodes, ports: observed.dst_port });

  const policies = context.policies.evaluate(cluster, observed, src, dst);

  const domains = context.domains.name(observed, src, dst);
  const where = origin(delivered, (batch) => batch.rows);

  const columns: FlowColumns = {
    ...observed,
    ...where,
    primary: primaryFlows(observed, where.node, { src, dst }, context),
    src_address_class: addressClasses(observed.src_ip),
    dst_address_class: addressClasses(observed.dst_ip),
    ...prefixed('src', src.columns),
    ...prefixed('dst', dst.columns),
    ...domains,
    ...addressedServices(cluster, observed, dst, domains.dst_domain),
    ...policies,
    ...judge(observed, policies.action),
  };
  return { rows, columns };
}

function addressClasses(addresses: Uint8Array): Uint8Array {
  const classes = new Uint8Array(addresses.length / 16);
  for (let row = 0; row < classes.length; row++) classes[row] = addressClass(addresses, row * 16);
  return classes;
}
