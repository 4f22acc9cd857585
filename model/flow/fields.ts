import { endpointFields } from './endpoint-fields.js';
import type { FieldDeclaration } from '../record/field.js';

/**
 * The flow record, declared once. One record is one connection (five-tuple, oriented client to server) on one
 * node over one aggregation window, with both directions.
 *
 * To add a field, add its declaration here. An `observed` field is then filled by the collector, a `context`
 * field by the enricher; the compiler points at both places.
 */
export const flowFields = [
  // Time
  {
    name: 'start_time',
    type: 'time',
    origin: 'observed',
    unit: 'milliseconds since 1970 (UTC)',
    description: 'When the first packet of the window was seen',
  },
  {
    name: 'end_time',
    type: 'time',
    origin: 'observed',
    unit: 'milliseconds since 1970 (UTC)',
    description: 'When the last packet of the window was seen',
  },

  // Where seen
  {
    name: 'cluster',
    type: 'string',
    origin: 'context',
    description: 'The cluster that the reporting node belongs to',
  },
  {
    name: 'node',
    type: 'string',
    origin: 'context',
    description: 'The node that saw the packets',
  },
  {
    name: 'reporter',
    type: 'enumeration',
    values: ['src', 'dst', 'both'],
    origin: 'observed',
    description: 'Which end of the connection is on the reporting node',
  },
  {
    name: 'primary',
    type: 'boolean',
    origin: 'context',
    description: 'True on the one record to count when the nodes of both ends report the same connection',
  },
  {
    name: 'sampling',
    type: 'uint32',
    origin: 'observed',
    description: 'One packet in this many was counted; 1 means every packet',
  },

  // Five-tuple
  { name: 'src_ip', type: 'ip', origin: 'observed', description: "The client's address" },
  {
    name: 'dst_ip',
    type: 'ip',
    origin: 'observed',
    description: "The server's address; behind a service, the backend's if it is known",
  },
  {
    name: 'src_port',
    type: 'uint16',
    origin: 'observed',
    description: "The client's port",
  },
  {
    name: 'dst_port',
    type: 'uint16',
    origin: 'observed',
    description: "The server's port",
  },
  {
    name: 'protocol',
    type: 'uint8',
    origin: 'observed',
    description: 'IP protocol number (IANA): 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6, 132 SCTP',
  },
  {
    name: 'orientation',
    type: 'enumeration',
    values: ['seen', 'declared', 'socket', 'conntrack', 'guessed'],
    origin: 'observed',
    description:
      'How it is known which side is the client: the first packet was seen (seen); a container port or service declares the server (declared); a socket listens on its port (socket); the connection tracking of the kernel (conntrack); or only the port numbers (guessed), which may be wrong',
  },
  {
    name: 'icmp_type',
    type: 'uint8',
    origin: 'observed',
    description: 'ICMP or ICMPv6 type of the first packet; 0 for other protocols',
  },
  {
    name: 'icmp_code',
    type: 'uint8',
    origin: 'observed',
    description: 'ICMP or ICMPv6 code of the first packet; 0 for other protocols',
  },

  // Volume
  {
    name: 'bytes_out',
    type: 'uint64',
    origin: 'observed',
    unit: 'bytes',
    description: 'Bytes from client to server, counted from the IP header on',
  },
  {
    name: 'packets_out',
    type: 'uint64',
    origin: 'observed',
    unit: 'packets',
    description: 'Packets from client to server',
  },
  {
    name: 'bytes_in',
    type: 'uint64',
    origin: 'observed',
    unit: 'bytes',
    description: 'Bytes from server to client, counted from the IP header on',
  },
  {
    name: 'packets_in',
    type: 'uint64',
    origin: 'observed',
    unit: 'packets',
    description: 'Packets from server to client',
  },
  {
    name: 'connections_started',
    type: 'uint32',
    origin: 'observed',
    description: 'Connections whose first packet fell into the window',
  },
  {
    name: 'connections_completed',
    type: 'uint32',
    origin: 'observed',
    description: 'Connections whose end (FIN both ways, or RST) fell into the window',
  },
  {
    name: 'connection_age_us',
    type: 'uint64',
    origin: 'observed',
    unit: 'microseconds',
    description:
      'Age of the connection at the end of the record: time since its first packet, or since it was first seen if it is older than the probe',
  },
  {
    name: 'connection_duration_us',
    type: 'uint64',
    origin: 'observed',
    unit: 'microseconds',
    description:
      'Duration of a TCP connection that ended in the window, from its first packet to its last; 0 if none ended',
  },

  // Health
  {
    name: 'tcp_flags',
    type: 'uint16',
    origin: 'observed',
    description: 'All TCP flags seen in either direction, OR-ed (RFC 9293 §3.1 bit order, FIN = 1)',
  },
  {
    name: 'connection_state',
    type: 'enumeration',
    values: ['established', 'refused', 'unanswered', 'closed', 'stateless'],
    origin: 'observed',
    description: 'State of the connection at the end of the window',
  },
  {
    name: 'rtt_us',
    type: 'uint32',
    origin: 'observed',
    unit: 'microseconds',
    description: 'Mean round-trip time; 0 if none was measured',
  },
  {
    name: 'rtt_min_us',
    type: 'uint32',
    origin: 'observed',
    unit: 'microseconds',
    description: 'Minimum round-trip time; 0 if none was measured',
  },
  {
    name: 'connect_us',
    type: 'uint32',
    origin: 'observed',
    unit: 'microseconds',
    description: 'Time from SYN to the ACK that ends the handshake; 0 if none was seen',
  },
  {
    name: 'retransmits',
    type: 'uint32',
    origin: 'observed',
    unit: 'packets',
    description:
      'Retransmitted TCP segments, both directions: of sockets on the node, as the kernel counts them; of other senders by repeated sequence numbers, if the segments passed the node',
  },
  {
    name: 'dropped_packets',
    type: 'uint64',
    origin: 'observed',
    unit: 'packets',
    description: 'Packets of this connection that the kernel dropped',
  },
  {
    name: 'dropped_bytes',
    type: 'uint64',
    origin: 'observed',
    unit: 'bytes',
    description: 'Bytes of this connection that the kernel dropped',
  },
  {
    name: 'drop_reason',
    type: 'string',
    origin: 'observed',
    description:
      "The kernel's own name of the latest drop's reason, for example NETFILTER_DROP; empty if none",
  },
  {
    name: 'tls_server_name',
    type: 'string',
    origin: 'observed',
    description: "The server's name in the client's TLS handshake (SNI, RFC 6066 §3); empty if none was seen",
  },

  // How it was carried
  {
    name: 'src_nat_ip',
    type: 'ip',
    origin: 'observed',
    description:
      "The client's address after source NAT on the node, as servers outside see it; :: without source NAT",
  },
  {
    name: 'src_nat_port',
    type: 'uint16',
    origin: 'observed',
    description: "The client's port after source NAT on the node; 0 without source NAT",
  },
  {
    name: 'vlan',
    type: 'uint16',
    origin: 'observed',
    description: 'VLAN id of the first packet; 0 if it had none',
  },
  {
    name: 'tunnel',
    type: 'enumeration',
    values: ['none', 'vxlan', 'geneve', 'ip'],
    origin: 'observed',
    description: 'Encapsulation of the packets where they were seen',
  },
  {
    name: 'tunnel_id',
    type: 'uint32',
    origin: 'observed',
    description: 'Virtual network identifier (VNI) of the tunnel; 0 without one',
  },
  {
    name: 'src_tunnel_ip',
    type: 'ip',
    origin: 'observed',
    description: "The tunnel's outer address on the client's side; :: without a tunnel",
  },
  {
    name: 'dst_tunnel_ip',
    type: 'ip',
    origin: 'observed',
    description: "The tunnel's outer address on the server's side; :: without a tunnel",
  },

  // Each end
  ...endpointFields('src', 'client'),
  ...endpointFields('dst', 'server'),

  // Service
  {
    name: 'dst_service_namespace',
    type: 'string',
    origin: 'context',
    description: 'Namespace of the service that the client addressed',
  },
  {
    name: 'dst_service',
    type: 'string',
    origin: 'context',
    description: 'Name of the service that the client addressed; empty if it addressed none',
  },
  {
    name: 'dst_service_port',
    type: 'uint16',
    origin: 'observed',
    description: 'The port of the service that the client addressed, before NAT; 0 if it addressed none',
  },
  {
    name: 'dst_service_ip',
    type: 'ip',
    origin: 'observed',
    description: 'The address of the service that the client addressed, before NAT; :: if it addressed none',
  },

  // Policy
  {
    name: 'action',
    type: 'enumeration',
    values: ['allow', 'deny', 'unknown'],
    origin: 'context',
    description: 'Verdict of the network policies on the connection',
  },
  {
    name: 'policies',
    type: 'string',
    form: 'list',
    origin: 'context',
    description:
      'The trace of enforced policies, comma-separated, egress at the client then ingress at the server',
  },
  {
    name: 'pending_policies',
    type: 'string',
    form: 'list',
    origin: 'context',
    description: 'The same trace as it would be with staged policies enforced',
  },
  {
    name: 'evidence',
    type: 'enumeration',
    values: ['delivered', 'dropped', 'refused', 'unanswered'],
    origin: 'context',
    description: 'What the wire showed of the connection, whatever the policies say',
  },
  {
    name: 'contradiction',
    type: 'boolean',
    origin: 'context',
    description: 'True if the policies and the wire disagree and nothing explains it',
  },
  {
    name: 'contradiction_reason',
    type: 'enumeration',
    values: [
      'none',
      'unexplained',
      'guessed_direction',
      'icmp',
      'node_traffic',
      'older_than_policy',
      'not_ready_endpoint',
    ],
    origin: 'context',
    description:
      'Why the policies and the wire disagree: the client is only guessed (guessed_direction); enforcement treats ICMP differently (icmp); traffic between a node and its own pods (node_traffic); the connection may have started before a policy of the trace changed (older_than_policy); the service has no ready endpoint (not_ready_endpoint); none of these (unexplained). none if they agree',
  },

  // Provenance
  {
    name: 'transport_partition',
    type: 'uint32',
    origin: 'provenance',
    description: 'Partition of the transport that the record came through',
  },
  {
    name: 'transport_offset',
    type: 'uint64',
    origin: 'provenance',
    description: "Offset of the record's batch in that partition",
  },
] as const satisfies readonly FieldDeclaration[];

export type FlowField = (typeof flowFields)[number];
export type FlowFieldName = FlowField['name'];
