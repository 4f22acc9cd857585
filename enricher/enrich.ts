import type { DeliveredBatch } from '@sonde/backbone/transport/transport';
import { addressClass } from '@sonde/model/cluster/address-class';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { EVERY_NODE } from '@sonde/model/cluster/port-index';
import type { EnrichedFlows } from '@sonde/model/flow/batch';
import type { FlowColumns, TextColumn } from '@sonde/model/flow/columns';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { joinColumns } from '@sonde/model/flow/join-columns';
import { observedFlowFields } from '@sonde/model/flow/observed';
import { halvesOf, readWide } from '@sonde/model/flow/wide';
import type { EnrichmentContext } from './context.js';
import { attributeEnds, type FlowEnds, prefixed } from './ends.js';
import { judge } from './evidence.js';
import { origin } from './origin.js';

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

  const columns: FlowColumns = {
    ...observed,
    ...origin(delivered, (batch) => batch.rows),
    primary: primary(observed.reporter, src, context),
    src_address_class: addressClasses(observed.src_ip),
    dst_address_class: addressClasses(observed.dst_ip),
    ...prefixed('src', src.columns),
    ...prefixed('dst', dst.columns),
    ...context.domains.name(observed, src, dst),
    ...services(cluster, observed, dst),
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

/**
 * A connection between two monitored nodes is reported by both: the client's record is the one that counts. A
 * record of the server's node alone counts if nobody reports the client's end.
 */
function primary(reporter: Uint8Array, src: FlowEnds, context: EnrichmentContext): Uint8Array {
  const byServer = enumerationNumber('reporter', 'dst');
  const column = new Uint8Array(reporter.length).fill(1);
  for (let row = 0; row < reporter.length; row++) {
    if (reporter[row] !== byServer) continue;
    const client = context.cluster.identities.identity(src.identities[row] ?? UNKNOWN_IDENTITY);
    if (client?.kind === 'pod' && context.isMonitored(client.node)) column[row] = 0;
  }
  return column;
}

/**
 * The service that the client addressed: by the address before NAT where one was seen, else by the destination
 * itself if that is a service (the connection never got as far as a backend). A node's address is a service's on its
 * node port.
 */
function services(
  cluster: Cluster,
  observed: Pick<
    FlowColumns,
    'dst_service_ip' | 'dst_service_port' | 'dst_ip' | 'dst_port' | 'protocol' | 'start_time'
  >,
  dst: FlowEnds,
): Pick<FlowColumns, 'dst_service' | 'dst_service_namespace' | 'dst_service_ip' | 'dst_service_port'> {
  const rows = observed.dst_port.length;
  const addresses = observed.dst_service_ip.slice();
  const ports = observed.dst_service_port.slice();
  const toService = enumerationNumber('dst_kind', 'service');
  const toNode = enumerationNumber('dst_kind', 'node');
  const protocols = observed.protocol;
  const times = halvesOf(observed.start_time);
  for (let row = 0; row < rows; row++) {
    const kind = dst.columns.kind[row];
    if (ports[row] !== 0 || (kind !== toService && kind !== toNode)) continue;
    const port = observed.dst_port[row] ?? 0;
    const isNodePort = () =>
      cluster.ports.lookup(EVERY_NODE, protocols[row] ?? 0, port, readWide(times, row)) !== UNKNOWN_IDENTITY;
    if (kind === toNode && !isNodePort()) continue;
    addresses.set(observed.dst_ip.subarray(row * 16, row * 16 + 16), row * 16);
    ports[row] = port;
  }
  const behind = { who: 'services', protocols, ports } as const;
  const { columns } = attributeEnds(cluster, addresses, observed.start_time, behind);
  const named = (column: TextColumn): TextColumn => {
    // An address before NAT that is no service's (a node's, on a port of its own) names none.
    const indexes = column.indexes.map((index, row) => (columns.kind[row] === toService ? index + 1 : 0));
    return { indexes, dictionary: ['', ...column.dictionary] };
  };
  return {
    dst_service: named(columns.name),
    dst_service_namespace: named(columns.namespace),
    dst_service_ip: addresses,
    dst_service_port: ports,
  };
}
