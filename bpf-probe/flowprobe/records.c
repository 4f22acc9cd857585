// SPDX-License-Identifier: Apache-2.0
#include "records.h"
#include "flowprobe.skel.h"
#include "owners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define NANOS_PER_MICRO 1000

/* Packets that follow a connection's end (the last ACK, repeated FINs) come within this time. */
#define LINGER_NANOS (2 * 1000000000ull)

/* connection_state of PROTOCOL.md */
enum connection_state {
	STATE_ESTABLISHED = 0,
	STATE_REFUSED = 1,
	STATE_UNANSWERED = 2,
	STATE_CLOSED = 3,
	STATE_STATELESS = 4,
};

static bool is_echo_reply(const struct flow *flow)
{
	const struct key6 *key = &flow->key6;

	return key->bucket == BUCKET_NONE && ((key->protocol == IPPROTO_ICMP && flow->icmp_type == 0) ||
					      (key->protocol == IPPROTO_ICMPV6 && flow->icmp_type == 129));
}

/* The client's side, by the rules of PROTOCOL.md. */
static int find_client(const struct flow *flow, const struct connection *known)
{
	if (flow->syns)
		return flow->syn_from;
	if (flow->synack_at)
		return !flow->synack_from;
	if (flow->nat != NAT_UNKNOWN)
		return flow->opener;
	if (known)
		return known->client;
	if (is_echo_reply(flow))
		return !flow->first_sender;
	/* The first packet of a window tells nothing of a TCP connection that was open before. */
	if (flow->key6.protocol == IPPROTO_TCP && flow->key6.port[0] != flow->key6.port[1])
		return ntohs(flow->key6.port[0]) > ntohs(flow->key6.port[1]) ? 0 : 1;
	return flow->first_sender;
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
	if (!flow->packets[0] && !flow->packets[1] && !answered && !reset)
		return STATE_UNANSWERED; /* dropped before it was counted, in this window and those before */
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

/* Whether a connection of earlier windows got its last FIN in this one, in which its ports were then used again. */
static bool ends_former(const struct flow *flow, const struct connection *known)
{
	return known && !was_over(known) && (flow->earlier_fin[0] || known->fin[0]) &&
	       (flow->earlier_fin[1] || known->fin[1]);
}

/* Sets the handshake's duration and, where no socket told better, the round-trip times. */
static void fill_times(struct flow_record *record, const struct flow *flow, const struct connection *known)
{
	__u64 syn_at = flow->syn_at ? flow->syn_at : known ? known->syn_at : 0;

	if (syn_at && flow->established_at > syn_at)
		record->connect = (flow->established_at - syn_at) / NANOS_PER_MICRO;
	if (flow->rtt_samples) {
		record->rtt = flow->rtt_sum / flow->rtt_samples;
		record->rtt_min = flow->rtt_min ? flow->rtt_min : record->rtt;
	} else if (flow->syns <= 1) {
		/* A repeated SYN would add the time until it was repeated (RFC 6298 section 3). */
		record->rtt = record->connect;
		record->rtt_min = record->connect;
	}
}

static __u16 fill_end(__u8 address[16], const __u32 from[4], __u16 port)
{
	memcpy(address, from, 16);
	return ntohs(port);
}

static void fill_tuple(struct flow_record *record, const struct flow *flow, const struct connection *known, int client)
{
	const struct key6 *key = &flow->key6;
	__u8 nat = flow->nat != NAT_UNKNOWN ? flow->nat : known ? known->nat : NAT_UNKNOWN;
	const struct end *other = flow->nat != NAT_UNKNOWN ? flow->other : known ? known->other : NULL;
	int server = !client;

	record->client_port = fill_end(record->client, key->addr[client], key->port[client]);
	record->server_port = fill_end(record->server, key->addr[server], key->port[server]);
	if (nat == NAT_BEFORE &&
	    (memcmp(other[1].addr, key->addr[server], 16) != 0 || other[1].port != key->port[server])) {
		record->service_port = fill_end(record->service, key->addr[server], key->port[server]);
		record->server_port = fill_end(record->server, other[1].addr, other[1].port);
	}
	record->protocol = key->protocol;
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6) {
		record->icmp_type = flow->icmp_type;
		record->icmp_code = flow->icmp_code;
		record->client_port = 0;
		record->server_port = 0;
	}
}

static void fill_trouble(struct flow_record *record, const struct trouble *trouble)
{
	if (!trouble)
		return;
	record->retransmits = trouble->retransmits;
	record->dropped_packets = trouble->dropped_packets;
	record->dropped_bytes = trouble->dropped_bytes;
	record->drop_reason = trouble->drop_reason;
}

static void fill_tunnel(struct flow_record *record, const struct flowprobe_bpf *bpf, const struct flow *flow,
			int client)
{
	struct tunnel tunnel;

	if (!flow->tunnel ||
	    bpf_map__lookup_elem(bpf->maps.tunnels, &flow->key6, sizeof(flow->key6), &tunnel, sizeof(tunnel), 0))
		return;
	record->tunnel = flow->tunnel;
	record->tunnel_id = tunnel.id;
	memcpy(record->client_tunnel_end, tunnel.addr[client], 16);
	memcpy(record->server_tunnel_end, tunnel.addr[!client], 16);
}

static void fill_owners(struct flow_record *record, const struct flowprobe_bpf *bpf, const struct flow *flow,
			int client)
{
	struct owner owner = find_owner(bpf, flow->owner[client]);

	record->client_process = owner.name;
	record->client_cgroup = owner.cgroup;
	owner = find_owner(bpf, flow->owner[!client]);
	record->server_process = owner.name;
	record->server_cgroup = owner.cgroup;
}

/* `anew`: this is a new connection, whatever is remembered of an earlier one with the same ports. */
static void remember(struct connections *connections, const struct flow *flow, int client, bool anew,
		     enum connection_state state, __u64 now)
{
	struct connection *connection;

	if (is_over(state) && anew && now - flow->last > LINGER_NANOS)
		return; /* Most short connections end here. */
	connection = remember_connection(connections, &flow->key6);
	if (flow->syns) {
		connection->opened = true;
		connection->syn_sequence = flow->syn_sequence;
	}
	if (anew) {
		connection->fin[0] = connection->fin[1] = 0;
		connection->reset = false;
		connection->answered = false;
		connection->unreachable = false;
		connection->syn_at = flow->established_at ? 0 : flow->syn_at;
	} else if (flow->established_at) {
		connection->syn_at = 0;
	}
	connection->client = client;
	connection->fin[0] |= flow->fin[0];
	connection->fin[1] |= flow->fin[1];
	connection->reset |= flow->rst[0] || flow->rst[1];
	connection->unreachable |= flow->unreachable != 0;
	connection->answered |= flow->packets[!client] > 0;
	if (flow->nat != NAT_UNKNOWN) {
		connection->nat = flow->nat;
		memcpy(connection->other, flow->other, sizeof(flow->other));
	}
}

void make_record(struct flow_record *record, const struct flow *flow, const struct trouble *trouble,
		 const struct record_context *context)
{
	const struct connection *known = find_connection(context->connections, &flow->key6);
	bool repeated_syn = known && known->opened && known->syn_sequence == flow->first_sequence;
	/* The window's first SYN, or one after it, is of another connection than the one that is known. */
	bool first_anew = flow->syns && !repeated_syn;
	bool anew = first_anew || flow->reopened;
	__u32 tls_server = known && (!anew || known->tls_window >= context->window) ? known->tls_server : 0;
	bool ended_former = first_anew && ends_former(flow, known);
	int client, server;

	if (anew)
		known = NULL; /* The ports are used again. */
	client = find_client(flow, known);
	server = !client;

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
	record->ends = (flow->ends >> client & 1) | (flow->ends >> server & 1) << 1;
	record->connections_started = flow->reopened;
	record->connections_completed = flow->ended + ended_former;
	if (first_anew || (flow->key6.protocol != IPPROTO_TCP && !known))
		record->connections_started++;
	if (is_over(record->connection_state) && !was_over(known) && !(known && known->unreachable))
		record->connections_completed++;
	fill_times(record, flow, known);
	fill_trouble(record, trouble);
	fill_tunnel(record, context->bpf, flow, client);
	fill_owners(record, context->bpf, flow, client);
	remember(context->connections, flow, client, anew, record->connection_state, context->now);
}
