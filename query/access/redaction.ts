import type { dnsFields } from '@sonde/model/dns/fields';
import type { FlowFieldName } from '@sonde/model/flow/fields';

/**
 * What a reader of some namespaces sees of a field of a record that touches them (docs/access.md). A record touches a
 * namespace if the pod or service on one side is in it; that side is the reader's own. A side in another namespace is
 * foreign.
 *
 * - `shown`: always. What a packet capture on the own side shows, and what follows from it.
 * - `named`: identifies a side. Hidden for foreign sides.
 * - `own`: shown for own sides only.
 * - `networkSets`: names of network sets, without those in other namespaces.
 * - `kind`, `namespace`, `name`: as `named`, but the kind is always shown; a side in a network set is named by the first
 *   visible set, and is external if none is visible.
 * - `labels`: as `named`, but never of network sets: they would be those of the first set, visible or not.
 * - `ownNode`: the reporting node, shown if an own side runs on it.
 * - `service`: names a service, shown if it is in one of the reader's namespaces.
 * - `serviceAddress`: shown to readers of the service's namespace, and to own clients.
 * - `trace`: consulted policies, without steps in other namespaces; if a side is foreign, also without steps of policies
 *   without a namespace, because a step does not show on which side it was.
 */
export type Redaction =
  | { readonly rule: 'shown' | 'ownNode' | 'service' | 'serviceAddress' | 'trace' }
  | {
      readonly rule: 'named' | 'own' | 'networkSets' | 'kind' | 'namespace' | 'name' | 'labels';
      readonly end: Side;
    };

export type Side = 'src' | 'dst';

/**
 * Matches the namespace of a trace step, in one of the groups: `2|tier|np:shop/allow-web|allow|0`, and the profiles
 * `kns.<namespace>` and `ksa.<namespace>.<service account>`. Valid for RE2 and JavaScript.
 */
export const stepNamespace =
  '^\\d+\\|[^|]*\\|(?:pro:kns\\.([^|]+)|pro:ksa\\.([^.|]+)\\.[^|]*|[a-z]+:([^/|]+)/[^|]*)\\|';

type DnsFieldName = (typeof dnsFields)[number]['name'];

const shown = { rule: 'shown' } as const;

/** The redaction of each flow field. The compiler requires an entry for every field. */
export const flowRedactions: Readonly<Record<FlowFieldName, Redaction>> = {
  start_time: shown,
  end_time: shown,
  cluster: shown,
  node: { rule: 'ownNode' },
  reporter: shown,
  primary: shown,
  sampling: shown,
  orientation: shown,
  connection_age_us: shown,
  connection_duration_us: shown,
  src_ip: shown,
  dst_ip: shown,
  src_port: shown,
  dst_port: shown,
  src_nat_ip: { rule: 'own', end: 'src' },
  src_nat_port: { rule: 'own', end: 'src' },
  protocol: shown,
  icmp_type: shown,
  icmp_code: shown,
  bytes_out: shown,
  packets_out: shown,
  bytes_in: shown,
  packets_in: shown,
  connections_started: shown,
  connections_completed: shown,
  tcp_flags: shown,
  connection_state: shown,
  rtt_us: shown,
  rtt_min_us: shown,
  connect_us: shown,
  retransmits: shown,
  dropped_packets: shown,
  dropped_bytes: shown,
  drop_reason: shown,
  tls_server_name: shown,
  vlan: shown,
  tunnel: shown,
  tunnel_id: shown,
  ...endpointRedactions('src'),
  ...endpointRedactions('dst'),
  dst_service_namespace: { rule: 'service' },
  dst_service: { rule: 'service' },
  dst_service_port: { rule: 'serviceAddress' },
  dst_service_ip: { rule: 'serviceAddress' },
  action: shown,
  policies: { rule: 'trace' },
  pending_policies: { rule: 'trace' },
  evidence: shown,
  contradiction: shown,
  contradiction_reason: shown,
  transport_partition: shown,
  transport_offset: shown,
};

/** The redaction of each DNS field. Only the client has an identity. */
export const dnsRedactions: Readonly<Record<DnsFieldName, Redaction>> = {
  start_time: shown,
  cluster: shown,
  node: { rule: 'ownNode' },
  primary: shown,
  src_ip: shown,
  src_port: shown,
  ...identityRedactions('src'),
  dst_ip: shown,
  protocol: shown,
  query_name: shown,
  query_type: shown,
  answered: shown,
  rcode: shown,
  latency_us: shown,
  answers: shown,
  answer_ttl_s: shown,
  transport_partition: shown,
  transport_offset: shown,
};

function endpointRedactions<const Prefix extends Side>(end: Prefix) {
  const own: Redaction = { rule: 'own', end };
  return {
    ...identityRedactions(end),
    ...prefixed(end, {
      address_class: shown,
      domain: { rule: 'named', end },
      process: own,
      cgroup: own,
      tunnel_ip: own,
    }),
  };
}

function identityRedactions<const Prefix extends Side>(end: Prefix) {
  const named: Redaction = { rule: 'named', end };
  return prefixed(end, {
    kind: { rule: 'kind', end },
    namespace: { rule: 'namespace', end },
    name: { rule: 'name', end },
    workload: named,
    workload_kind: named,
    service_account: named,
    labels: { rule: 'labels', end },
    node: named,
    zone: named,
    network_sets: { rule: 'networkSets', end },
  });
}

function prefixed<const Prefix extends Side, Name extends string>(
  end: Prefix,
  redactions: Readonly<Record<Name, Redaction>>,
) {
  const entries = Object.entries<Redaction>(redactions).map(([name, one]) => [`${end}_${name}`, one]);
  return Object.fromEntries(entries) as Record<`${Prefix}_${Name}`, Redaction>;
}
