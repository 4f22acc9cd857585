// SPDX-License-Identifier: Apache-2.0
#include "flows/records.h"
#include "kernel/map_values.h"
#include "processes/processes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define NANOS_PER_MICRO 1000

/* connection_state of PROTOCOL.md */
enum connection_state {
	STATE_ESTABLISHED = 0,
	STATE_REFUSED = 1,
	STATE_UNANSWERED = 2,
	STATE_CLOSED = 3,
	STATE_STATELESS = 4,
};

/* Ports below are used by servers (RFC 6335 section 6). */
#define SYSTEM_PORTS 1024

static bool is_echo_reply(const struct flow *flow)
{
	const struct key6 *key = &flow->key6;

	return key->key_kind == KEY_CONNECTION && ((key->protocol == IPPROTO_ICMP && flow->icmp_type == 0) ||
						   (key->protocol == IPPROTO_ICMPV6 && flow->icmp_type == 129));
}

/* A client's side, and how it was determined. */
struct client {
	int side;
	enum orientation orientation;
};

/* The client by the ports and the first packet: not certain for connections that are older than the probe. */
static struct client guess_client(const struct flow *flow)
{
	__u16 ports[2] = {ntohs(flow->key6.port[0]), ntohs(flow->key6.port[1])};
	int sender = flow->first_sender;

	/* In an open TCP connection either side may send the first packet of a window. */
	if (flow->key6.protocol == IPPROTO_TCP)
		return (struct client){ports[0] == ports[1] ? sender : ports[0] < ports[1], ORIENTATION_GUESSED};
	/* A response whose query was not seen. */
	if (flow->key6.protocol == IPPROTO_UDP && ports[sender] < SYSTEM_PORTS && ports[!sender] >= SYSTEM_PORTS)
		return (struct client){!sender, ORIENTATION_GUESSED};
	return (struct client){sender, ORIENTATION_SEEN};
}

/*
 * The client, by the rules of PROTOCOL.md. Without NAT, conntrack may know the connection only from its middle, so what
 * was seen of it comes first.
 */
static struct client find_client(const struct flow *flow, const struct connection *known)
{
	if (flow->syns)
		return (struct client){flow->syn_from, ORIENTATION_SEEN};
	if (flow->synack_at)
		return (struct client){!flow->synack_from, ORIENTATION_SEEN};
	if (known && known->orientation == ORIENTATION_SEEN)
		return (struct client){known->client, ORIENTATION_SEEN};
	if (flow->nat != NAT_UNKNOWN)
		return (struct client){flow->initiator, ORIENTATION_CONNTRACK};
	if (known)
		return (struct client){known->client, known->orientation};
	if (is_echo_reply(flow))
		return (struct client){!flow->first_sender, ORIENTATION_SEEN};
	return guess_client(flow);
}

static bool has_packets(const struct flow *flow)
{
	return flow->packets[0] || flow->packets[1];
}

static enum connection_state find_state(const struct flow *flow, const struct connection *known, int client)
{
	int server = !client;
	bool opening = flow->syns || (known && known->syn_at);
	bool answered = flow->synack_at || (known && known->answered);
	bool reset = flow->rst[0] || flow->rst[1] || (known && known->reset);

	if (flow->key6.protocol != IPPROTO_TCP)
		return STATE_STATELESS;
	if (opening && !answered && (flow->rst[server] || flow->unreachable || (known && known->unreachable)))
		return STATE_REFUSED;
	if (opening && !answered && !flow->packets[server] && !reset)
		return STATE_UNANSWERED;
	if (!has_packets(flow) && !answered && !reset)
		return STATE_UNANSWERED; /* all packets were dropped before they were counted */
	if (reset || ((flow->fin[0] || (known && known->fin[0])) && (flow->fin[1] || (known && known->fin[1]))))
		return STATE_CLOSED;
	return STATE_ESTABLISHED;
}

static bool is_over(enum connection_state state)
{
	return state == STATE_CLOSED || state == STATE_REFUSED;
}

static bool was_over(const struct connection *known)
{
	return known && (known->reset || (known->fin[0] && known->fin[1]));
}

/* Whether a connection of an earlier window got its last FIN in this one before its ports were reused. */
static bool ends_previous(const struct flow *flow, const struct connection *known)
{
	return known && !was_over(known) && (flow->earlier_fin[0] || known->fin[0]) &&
	       (flow->earlier_fin[1] || known->fin[1]);
}

/* Sets the handshake's duration, and the round-trip times: those of the socket, else that of the handshake. */
static void fill_times(struct flow_record *record, const struct flow *flow, const struct connection *known)
{
	__u64 syn_at = flow->syn_at ? flow->syn_at : known ? known->syn_at : 0;

	if (syn_at && flow->established_at > syn_at)
		record->connect = (flow->established_at - syn_at) / NANOS_PER_MICRO;
	if (flow->rtt_samples) {
		record->rtt = flow->rtt_sum / flow->rtt_samples;
		record->rtt_min = flow->rtt_min ? flow->rtt_min : record->rtt;
	} else if (flow->syns <= 1) {
		/* A retransmitted SYN would add its timeout (RFC 6298 section 3). */
		record->rtt = record->connect;
		record->rtt_min = record->connect;
	}
}

/* When the connection began: that of the window's latest SYN, else the tracked one. Monotonic clock, ns. */
static __u64 connection_begin(const struct flow *flow, const struct connection *known)
{
	if (known && known->first)
		return known->first;
	return flow->reopened ? flow->syn_at : flow->first;
}

static __u16 fill_endpoint(__u8 address[16], const __u32 from[4], __u16 port)
{
	memcpy(address, from, 16);
	return ntohs(port);
}

static void fill_tuple(struct flow_record *record, const struct flow *flow, const struct connection *known, int client)
{
	const struct key6 *key = &flow->key6;
	__u8 nat = flow->nat != NAT_UNKNOWN ? flow->nat : known ? known->nat : NAT_UNKNOWN;
	const struct endpoint *other = flow->nat != NAT_UNKNOWN ? flow->nat_tuple : known ? known->nat_tuple : NULL;
	int server = !client;

	record->client_port = fill_endpoint(record->client, key->addr[client], key->port[client]);
	record->server_port = fill_endpoint(record->server, key->addr[server], key->port[server]);
	if (nat == NAT_KEY_ORIGINAL &&
	    (memcmp(other[1].addr, key->addr[server], 16) != 0 || other[1].port != key->port[server])) {
		record->service_port = fill_endpoint(record->service, key->addr[server], key->port[server]);
		record->server_port = fill_endpoint(record->server, other[1].addr, other[1].port);
	}
	if (nat == NAT_KEY_ORIGINAL &&
	    (memcmp(other[0].addr, key->addr[client], 16) != 0 || other[0].port != key->port[client]))
		record->client_nat_port = fill_endpoint(record->client_nat, other[0].addr, other[0].port);
	record->protocol = key->protocol;
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6) {
		record->icmp_type = flow->icmp_type;
		record->icmp_code = flow->icmp_code;
		record->client_port = 0;
		record->server_port = 0;
	}
}

/* Whether the window begins with data of a side that was seen in an earlier window. */
static bool begins_with_resent(const struct flow *flow, const struct connection *known, int side)
{
	return known && (flow->sequences & known->sequences & 1 << side) &&
	       (__s32)(flow->data_begin[side] - known->data_next[side]) < 0;
}

static void fill_health(struct flow_record *record, const struct flow *flow, const struct connection *known,
			const struct flow_health *health)
{
	for (int side = 0; side < 2; side++)
		record->retransmits += flow->resent[side] + begins_with_resent(flow, known, side);
	if (!health)
		return;
	record->retransmits += health->retransmits;
	record->dropped_packets = health->dropped_packets;
	record->dropped_bytes = health->dropped_bytes;
	record->drop_reason = health->drop_reason;
}

static void fill_tunnel(struct flow_record *record, const struct flowprobe_bpf *bpf, const struct flow *flow,
			int client)
{
	struct tunnel tunnel;

	if (!flow->tunnel || !read_tunnel(bpf, &flow->key6, &tunnel))
		return;
	record->tunnel = tunnel.kind;
	record->tunnel_id = tunnel.id;
	memcpy(record->client_tunnel_end, tunnel.addr[client], 16);
	memcpy(record->server_tunnel_end, tunnel.addr[!client], 16);
}

static void fill_processes(struct flow_record *record, const struct flowprobe_bpf *bpf, const struct flow *flow,
			   int client)
{
	struct process_info info = find_process(bpf, flow->pid[client]);

	record->client_process = info.name;
	record->client_cgroup = info.cgroup;
	info = find_process(bpf, flow->pid[!client]);
	record->server_process = info.name;
	record->server_cgroup = info.cgroup;
}

/* `is_new`: the flow is a new connection on the ports of the tracked one. */
static void update_connection(struct connections *connections, const struct flow *flow, struct client client,
			      bool is_new, enum connection_state state)
{
	__u64 begin = connection_begin(flow, is_new ? NULL : find_connection(connections, &flow->key6));
	struct connection *connection = track_connection(connections, &flow->key6);

	connection->first = begin;
	connection->last = flow->last;
	if (flow->syns) {
		connection->opened = true;
		connection->syn_sequence = flow->syn_sequence;
	}
	if (is_new) {
		connection->fin[0] = connection->fin[1] = 0;
		connection->reset = false;
		connection->answered = false;
		connection->unreachable = false;
		connection->sequences = 0;
		connection->syn_at = flow->established_at ? 0 : flow->syn_at;
	} else if (flow->established_at) {
		connection->syn_at = 0;
	}
	connection->client = client.side;
	connection->orientation = client.orientation;
	connection->fin[0] |= flow->fin[0];
	connection->fin[1] |= flow->fin[1];
	connection->reset |= flow->rst[0] || flow->rst[1];
	connection->unreachable |= flow->unreachable != 0;
	connection->answered |= flow->packets[!client.side] > 0;
	for (int side = 0; side < 2; side++) {
		if (flow->sequences & 1 << side)
			connection->data_next[side] = flow->data_next[side];
	}
	connection->sequences |= flow->sequences;
	if (flow->nat != NAT_UNKNOWN) {
		connection->nat = flow->nat;
		memcpy(connection->nat_tuple, flow->nat_tuple, sizeof(flow->nat_tuple));
	}
	set_over(connections, connection, is_over(state));
}

bool fill_record(struct flow_record *record, const struct flow *flow, const struct flow_health *health,
		 const struct record_context *context)
{
	const struct connection *known = find_connection(context->connections, &flow->key6);
	bool repeated_syn = known && known->opened && known->syn_sequence == flow->first_sequence;
	/* The first SYN of the window belongs to another connection than the tracked one. */
	bool first_is_new = flow->syns && !repeated_syn;
	bool is_new = first_is_new || flow->reopened;
	__u32 tls_server = known && (!is_new || known->tls_window >= context->window) ? known->tls_server : 0;
	bool ended_previous = first_is_new && ends_previous(flow, known);
	struct client found;
	int client, server;
	__u64 begin;

	if (is_new)
		known = NULL; /* The ports are reused. */
	found = find_client(flow, known);
	client = found.side;
	server = !client;
	begin = connection_begin(flow, known);

	memset(record, 0, sizeof(*record));
	fill_tuple(record, flow, known, client);
	record->start = (flow->first + context->to_realtime) / NANOS_PER_MICRO;
	record->end = (flow->last + context->to_realtime) / NANOS_PER_MICRO;
	record->bytes_out = flow->bytes[client];
	record->bytes_in = flow->bytes[server];
	record->packets_out = flow->packets[client];
	record->packets_in = flow->packets[server];
	record->ifindex = flow->ifindex;
	record->sampling = context->sampling;
	record->vlan = flow->vlan;
	record->tls_server = tls_server;
	record->tcp_flags = flow->tcp_flags[0] | flow->tcp_flags[1];
	record->connection_state = find_state(flow, known, client);
	record->local_ends = (flow->local_sides >> client & 1) | (flow->local_sides >> server & 1) << 1;
	record->connections_started = flow->reopened;
	record->connections_completed = flow->ended + ended_previous;
	if (first_is_new || (flow->key6.protocol != IPPROTO_TCP && !known && has_packets(flow)))
		record->connections_started++;
	if (is_over(record->connection_state) && !was_over(known) && !(known && known->unreachable))
		record->connections_completed++;
	record->orientation = found.orientation;
	record->age = flow->last > begin ? (flow->last - begin) / NANOS_PER_MICRO : 0;
	if (is_over(record->connection_state) && record->connections_completed)
		record->duration = record->age;
	fill_times(record, flow, known);
	fill_health(record, flow, known, health);
	fill_tunnel(record, context->bpf, flow, client);
	fill_processes(record, context->bpf, flow, client);
	if (known || has_packets(flow))
		update_connection(context->connections, flow, found, is_new, record->connection_state);
	/* An ICMP error without effect on a connection has a record of its own. */
	return has_packets(flow) || health || record->connections_completed;
}
