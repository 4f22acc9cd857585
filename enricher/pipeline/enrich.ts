import type { DeliveredBatch } from '@sonde/backbone/transport/interface/transport';
import { addressClass } from '@sonde/model/net/address-class';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { ColumnMemory } from '@sonde/model/record/column-memory';
import type { FlowColumns } from '@sonde/model/flow/records';
import { joinColumns } from '@sonde/model/record/join-columns';
import { observedFlowFields } from '@sonde/model/flow/observed';
import type { EnrichmentContext } from './context.js';
import type { AddressColumn } from '../identity/block-addresses.js';
import { BlockEndpoints, prefixed } from '../identity/block-endpoints.js';
import { contradictionReasons } from '../policy/contradiction-reasons.js';
import { compareWithEvidence } from '../policy/evidence.js';
import { orientByDeclaredPorts } from './orientation.js';
import { origin } from './origin.js';
import { primaryFlows } from './primary.js';
import { addressedServices } from '../identity/services.js';

/**
 * The flows of batches from the transport as the store takes them: every field of every flow filled. Columns lie in
 * `memory`, if it is given.
 */
export function enrich(
  delivered: readonly DeliveredBatch[],
  context: EnrichmentContext,
  memory = new ColumnMemory(),
): EnrichedFlows {
  const { cluster } = context;
  const rows = delivered.reduce((sum, { batch }) => sum + batch.rows, 0);
  const batches = delivered.map(({ batch }) => batch);
  const reported = joinColumns(observedFlowFields, batches, memory);
  const ends = new BlockEndpoints(cluster, context.ends, memory);
  const addressesOf = (name: 'src_ip' | 'dst_ip' | 'dst_service_ip') =>
    ends.addresses.column(batches, name, reported[name], memory);
  const { observed, clients, servers } = orientByDeclaredPorts(
    { observed: reported, clients: addressesOf('src_ip'), servers: addressesOf('dst_ip') },
    context.declaredPorts,
    memory,
  );
  const { start_time, protocol: protocols } = observed;
  const atNodes = { who: 'pods', protocols } as const;
  const atClients = { ...atNodes, ports: observed.src_port, processes: observed.src_process };
  const atServers = { ...atNodes, ports: observed.dst_port, processes: observed.dst_process };
  const src = ends.attribute(clients, start_time, atClients);
  const dst = ends.attribute(servers, start_time, atServers);

  const verdicts = context.policies.evaluate(cluster, observed, { src, dst }, memory);
  const explain = contradictionReasons(observed, { src, dst }, verdicts.deciding);

  const where = origin(delivered, (batch) => batch.rows, memory);
  const domains = context.domains.name(observed, { src, dst }, where.cluster, memory);

  const columns: FlowColumns = {
    ...observed,
    ...where,
    primary: primaryFlows(observed.reporter, where.node, { src, dst }, context, memory),
    src_address_class: addressClasses(clients, memory),
    dst_address_class: addressClasses(servers, memory),
    ...prefixed('src', src.columns),
    ...prefixed('dst', dst.columns),
    ...domains,
    ...addressedServices(
      cluster,
      observed,
      { ends, dst, beforeNat: addressesOf('dst_service_ip') },
      domains.dst_domain,
      memory,
    ),
    ...verdicts.columns,
    ...compareWithEvidence(observed, verdicts.columns.action, explain, memory),
  };
  return { rows, columns };
}

function addressClasses({ bytes, numbers, distinct }: AddressColumn, memory: ColumnMemory): Uint8Array {
  const classOf = new Uint8Array(distinct).fill(NO_CLASS);
  const classes = memory.column('enumeration', numbers.length);
  for (let row = 0; row < classes.length; row++) {
    const number = numbers[row] ?? 0;
    if (classOf[number] === NO_CLASS) classOf[number] = addressClass(bytes, row * 16);
    classes[row] = classOf[number] ?? 0;
  }
  return classes;
}

/** Marks an address whose class is not computed yet. */
const NO_CLASS = 255;
