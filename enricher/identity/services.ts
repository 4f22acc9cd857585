import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { EVERY_NODE } from '@sonde/model/cluster/port-index';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import type { StringColumn } from '@sonde/model/record/columns';
import type { FlowColumns } from '@sonde/model/flow/records';
import { NODE, POD, SERVICE } from './endpoint-cache.js';
import { StringColumnBuilder } from '@sonde/model/record/string-column';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import type { AddressColumn } from './block-addresses.js';
import type { BlockEndpoints, FlowEndpoints } from './block-endpoints.js';
import { UNKNOWN_ENDPOINT } from './endpoint-cache.js';

type ObservedOfServices = Pick<
  FlowColumns,
  'dst_service_ip' | 'dst_service_port' | 'dst_ip' | 'dst_port' | 'protocol' | 'start_time'
>;

/** The endpoints of a block's flows that services are looked up by. */
export interface ServiceEndpoints {
  readonly ends: BlockEndpoints;
  /** The servers, behind any service. */
  readonly dst: FlowEndpoints;
  /** The addresses before translation, with ids of `ends`. */
  readonly beforeNat: AddressColumn;
}

/** The service that each flow's client addressed, and the server's domain, which may be the host of such a service. */
export type ServiceColumns = Pick<
  FlowColumns,
  'dst_service' | 'dst_service_namespace' | 'dst_service_ip' | 'dst_service_port' | 'dst_domain'
>;

/**
 * The service that the client addressed: by the address before NAT if there is one, else by the destination if that
 * is a service (the connection did not reach a backend) or a node on a service's node port. An external
 * server that the client resolved by the name of a service (ExternalName) is that service, and its domain is the host
 * of the service. `domains` are the names that clients resolved external servers by.
 */
export function addressedServices(
  cluster: Cluster,
  observed: ObservedOfServices,
  { ends, dst, beforeNat }: ServiceEndpoints,
  domains: StringColumn,
  memory: ColumnMemory,
): ServiceColumns {
  const { protocol: protocols, start_time } = observed;
  const { addresses, ports } = addressed(cluster, observed, beforeNat, dst, memory);
  const { numbers, columns } = ends.attribute(addresses, start_time, { who: 'services', protocols, ports });
  // An address before NAT may belong to no service, for example to a node with a port of its own.
  const indexes = memory.column('uint32', numbers.length);
  for (let row = 0; row < indexes.length; row++) {
    indexes[row] = columns.kind[row] === SERVICE ? (numbers[row] ?? UNKNOWN_ENDPOINT) : UNKNOWN_ENDPOINT;
  }
  const byAddress = {
    dst_service: { ...columns.name, indexes },
    dst_service_namespace: { ...columns.namespace, indexes },
    dst_service_ip: addresses.bytes,
    dst_service_port: ports,
    dst_domain: domains,
  };
  return withExternalNames(cluster, observed, dst, byAddress, memory);
}

/** The addresses and ports that clients addressed; the port is zero if they addressed no service. */
function addressed(
  cluster: Cluster,
  observed: ObservedOfServices,
  beforeNat: AddressColumn,
  dst: FlowEndpoints,
  memory: ColumnMemory,
): { readonly addresses: AddressColumn; readonly ports: Uint16Array } {
  const rows = observed.dst_service_port.length;
  const addresses = { ...beforeNat, bytes: memory.column('ip', rows) };
  addresses.bytes.set(beforeNat.bytes);
  const ports = memory.column('uint16', rows);
  ports.set(observed.dst_service_port);
  const times = halvesOf(observed.start_time);
  const { kind } = dst.columns;
  for (let row = 0; row < ports.length; row++) {
    if (ports[row] !== 0 || (kind[row] !== SERVICE && kind[row] !== NODE)) continue;
    const port = observed.dst_port[row] ?? 0;
    if (kind[row] === NODE) {
      const protocol = observed.protocol[row] ?? 0;
      const owner = cluster.ports.lookup(EVERY_NODE, protocol, port, readWide(times, row));
      if (owner === UNKNOWN_IDENTITY) continue;
    }
    addresses.bytes.set(observed.dst_ip.subarray(row * 16, row * 16 + 16), row * 16);
    addresses.numbers[row] = dst.addresses.numbers[row] ?? 0;
    ports[row] = port;
  }
  return { addresses, ports };
}

/** Sets services of type ExternalName, which have no address, by the domain of the server. */
function withExternalNames(
  cluster: Cluster,
  observed: ObservedOfServices,
  dst: FlowEndpoints,
  columns: ServiceColumns,
  memory: ColumnMemory,
): ServiceColumns {
  const { dst_domain: domains, dst_service_ip, dst_service_port } = columns;
  const maybe = domains.dictionary.map((domain) => cluster.externalNames.mayBe(domain));
  if (!maybe.includes(true)) return columns;
  const times = halvesOf(observed.start_time);
  const rows = dst_service_port.length;
  const services = copyOf(columns.dst_service, rows, memory);
  const namespaces = copyOf(columns.dst_service_namespace, rows, memory);
  const hosts = copyOf(domains, rows, memory);
  for (let row = 0; row < rows; row++) {
    const index = domains.indexes[row] ?? 0;
    if (maybe[index] !== true || dst_service_port[row] !== 0 || dst.columns.kind[row] === POD) continue;
    const service = cluster.externalNames.lookup(domains.dictionary[index] ?? '', readWide(times, row));
    if (!service) continue;
    services.indexes[row] = services.intern(service.name);
    namespaces.indexes[row] = namespaces.intern(service.namespace);
    hosts.indexes[row] = hosts.intern(service.host);
    dst_service_ip.set(observed.dst_ip.subarray(row * 16, row * 16 + 16), row * 16);
    dst_service_port[row] = observed.dst_port[row] ?? 0;
  }
  return {
    ...columns,
    dst_service: services.build(),
    dst_service_namespace: namespaces.build(),
    dst_domain: hosts.build(),
  };
}

function copyOf(column: StringColumn, rows: number, memory: ColumnMemory): StringColumnBuilder {
  const copy = new StringColumnBuilder(rows, memory);
  copy.copy(column, 0);
  return copy;
}
