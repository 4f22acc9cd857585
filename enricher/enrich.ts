import type { DeliveredBatch } from '@sonde/backbone/transport/transport';
import { addressClass } from '@sonde/model/cluster/address-class';
import type { EnrichedFlows } from '@sonde/model/flow/batch';
import type { FlowColumns } from '@sonde/model/flow/columns';
import { joinColumns } from '@sonde/model/flow/join-columns';
import { observedFlowFields } from '@sonde/model/flow/observed';
import type { EnrichmentContext } from './context.js';
import type { AddressColumn } from './block-addresses.js';
import { BlockEnds, prefixed } from './ends.js';
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
  const ends = new BlockEnds(cluster, context.endTexts);
  const clients = ends.addresses.column(observed.src_ip);
  const servers = ends.addresses.column(observed.dst_ip);
  const atClients = { ...atNodes, ports: observed.src_port, processes: observed.src_process };
  const atServers = { ...atNodes, ports: observed.dst_port, processes: observed.dst_process };
  const src = ends.attribute(clients, start_time, atClients);
  const dst = ends.attribute(servers, start_time, atServers);

  const policies = context.policies.evaluate(cluster, observed, src, dst);

  const domains = context.domains.name(observed, src, dst);
  const where = origin(delivered, (batch) => batch.rows);

  const columns: FlowColumns = {
    ...observed,
    ...where,
    primary: primaryFlows(observed.reporter, where.node, { src, dst }, context),
    src_address_class: addressClasses(clients),
    dst_address_class: addressClasses(servers),
    ...prefixed('src', src.columns),
    ...prefixed('dst', dst.columns),
    ...domains,
    ...addressedServices(cluster, observed, ends, dst, domains.dst_domain),
    ...policies,
    ...judge(observed, policies.action),
  };
  return { rows, columns };
}

function addressClasses({ bytes, numbers, distinct }: AddressColumn): Uint8Array {
  const classOf = new Uint8Array(distinct).fill(NO_CLASS);
  const classes = new Uint8Array(numbers.length);
  for (let row = 0; row < classes.length; row++) {
    const number = numbers[row] ?? 0;
    if (classOf[number] === NO_CLASS) classOf[number] = addressClass(bytes, row * 16);
    classes[row] = classOf[number] ?? 0;
  }
  return classes;
}

/** What stands for the class of an address until it is worked out. */
const NO_CLASS = 255;
