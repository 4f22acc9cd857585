// SPDX-License-Identifier: Apache-2.0
#include "flows/window_flows.h"
#include "exit.h"
#include "flows/ipv4_mapped.h"
#include "flows/nat.h"

#include <stdlib.h>
#include <string.h>

/* Size of the maps health_even and health_odd. */
#define MAX_HEALTH_ENTRIES 16384

size_t window_flows_room(size_t capacity, size_t page_size)
{
	size_t size = (capacity + MAX_HEALTH_ENTRIES) * sizeof(struct flow);

	return (size + page_size - 1) / page_size * page_size / sizeof(struct flow);
}

struct window_flows create_window_flows(struct flow *all, size_t room, size_t capacity)
{
	struct window_flows flows = {.all = all, .room = room, .capacity = capacity};

	flows.index = create_index(room + 2 * capacity, &all->key6, sizeof(struct flow));
	flows.health = malloc(MAX_HEALTH_ENTRIES * sizeof(struct flow_health_entry));
	if (!flows.health)
		fail(EXIT_OTHER, "out of memory");
	flows.health_index = create_index(MAX_HEALTH_ENTRIES, &flows.health->key, sizeof(struct flow_health_entry));
	return flows;
}

/* Maps the addresses into IPv6 and undoes NAT. */
static void normalize_flow(struct window_flows *flows, struct flow *flow)
{
	bool translated = flow->nat == NAT_KEY_ORIGINAL || flow->nat == NAT_KEY_TRANSLATED;

	if (flow->family == 4) {
		struct key4 key = flow->key4;

		map_key(&flow->key6, &key);
		for (int role = 0; translated && role < 2; role++)
			map_address(flow->nat_tuple[role].addr, flow->nat_tuple[role].addr[0]);
	}
	if (flow->nat == NAT_KEY_TRANSLATED)
		undo_translation(flow);
	flows->translated |= translated;
}

void load_window_flows(struct window_flows *flows, unsigned parity, size_t count)
{
	flows->first = flows->room + (parity ? flows->capacity : 0);
	flows->count = count;
	for (size_t i = 0; i < count; i++)
		normalize_flow(flows, &flows->all[flows->first + i]);
}

static __u64 earlier(__u64 a, __u64 b)
{
	return !a || (b && b < a) ? b : a;
}

/* Adds the opened connections of `from`. If it has a SYN of its own it is a later connection on the same ports. */
static void add_openings(struct flow *to, const struct flow *from)
{
	bool is_new = to->syns && from->syns && to->syn_sequence != from->first_sequence;

	to->reopened += from->reopened + is_new;
	to->ended += from->ended;
	if (!to->syns)
		to->first_sequence = from->first_sequence;
	if (is_new) {
		to->ended += (to->fin[0] && to->fin[1]) || to->rst[0] || to->rst[1];
		memset(to->fin, 0, sizeof(to->fin));
		memset(to->rst, 0, sizeof(to->rst));
		to->syns = 0;
		to->syn_at = to->synack_at = to->established_at = 0;
	}
	if (from->syns) {
		to->syn_from = from->syn_from;
		to->syn_sequence = from->syn_sequence;
	}
	if (!to->synack_at)
		to->synack_from = from->synack_from;
	to->syns += from->syns;
	to->syn_at = earlier(to->syn_at, from->syn_at);
	to->synack_at = earlier(to->synack_at, from->synack_at);
	to->established_at = earlier(to->established_at, from->established_at);
}

/* Joins the sequence numbers of a side. Those of `from`, an overflowed packet or the flow after NAT, are later. */
static void add_sequence(struct flow *to, const struct flow *from, int side)
{
	to->resent[side] += from->resent[side];
	if (!(from->sequences & 1 << side))
		return;
	if (!(to->sequences & 1 << side)) {
		to->data_begin[side] = from->data_begin[side];
		to->data_next[side] = from->data_next[side];
		return;
	}
	if ((__s32)(from->data_begin[side] - to->data_next[side]) < 0)
		to->resent[side]++;
	if ((__s32)(from->data_next[side] - to->data_next[side]) > 0)
		to->data_next[side] = from->data_next[side];
}

/* Adds `from` to `to`. Both belong to the same connection and have the same order of sides. */
static void add_flow(struct flow *to, const struct flow *from)
{
	add_openings(to, from);
	for (int side = 0; side < 2; side++) {
		to->bytes[side] += from->bytes[side];
		to->packets[side] += from->packets[side];
		to->tcp_flags[side] |= from->tcp_flags[side];
		to->fin[side] |= from->fin[side];
		to->rst[side] |= from->rst[side];
		to->earlier_fin[side] |= from->earlier_fin[side];
		if (!to->pid[side])
			to->pid[side] = from->pid[side];
		add_sequence(to, from, side);
	}
	to->sequences |= from->sequences;
	if (from->first < to->first) {
		to->first = from->first;
		to->first_sender = from->first_sender;
		to->ifindex = from->ifindex;
		to->icmp_type = from->icmp_type;
		to->icmp_code = from->icmp_code;
	}
	if (from->last > to->last)
		to->last = from->last;
	to->local_sides |= from->local_sides;
	to->unreachable |= from->unreachable;
	to->rtt_sum += from->rtt_sum;
	to->rtt_samples += from->rtt_samples;
	to->rtt_min = earlier(to->rtt_min, from->rtt_min);
	if (from->nat > to->nat) {
		to->nat = from->nat;
		to->initiator = from->initiator;
		memcpy(to->nat_tuple, from->nat_tuple, sizeof(to->nat_tuple));
	}
}

void add_overflow(struct window_flows *flows, const struct overflow_message *message)
{
	struct flow *added = &flows->all[flows->extra];
	__u32 known;

	if (flows->extra >= flows->capacity) {
		flows->lost_packets += message->flow.packets[0] + message->flow.packets[1];
		flows->lost_bytes += message->flow.bytes[0] + message->flow.bytes[1];
		return;
	}
	memcpy(added, &message->flow, sizeof(*added));
	normalize_flow(flows, added);
	known = index_find(&flows->index, &added->key6);
	if (known == INDEX_NONE)
		index_add(&flows->index, flows->extra++);
	else
		add_flow(&flows->all[known], added);
}

/* Adds a flow to the indexed one of the same connection, if there is one, and marks its own entry as unused. */
static bool merge_into_indexed(struct window_flows *flows, struct flow *flow)
{
	__u32 known = index_find(&flows->index, &flow->key6);

	if (known == INDEX_NONE)
		return false;
	add_flow(&flows->all[known], flow);
	flow->family = 0;
	return true;
}

/*
 * Only overflow and NAT lead to several entries of one connection. These are indexed and the others looked up; in most
 * windows there is nothing to do. Overflowed flows are indexed already.
 */
static void merge_nat_flows(struct window_flows *flows)
{
	size_t end = flows->first + flows->count;

	if (!flows->extra && !flows->translated)
		return;
	for (size_t i = flows->first; i < end; i++) {
		struct flow *flow = &flows->all[i];

		if (flow->family && flow->nat == NAT_KEY_ORIGINAL && !merge_into_indexed(flows, flow))
			index_add(&flows->index, i);
	}
	for (size_t i = flows->first; i < end; i++) {
		struct flow *flow = &flows->all[i];

		if (flow->family && flow->nat != NAT_KEY_ORIGINAL)
			merge_into_indexed(flows, flow);
	}
}

void add_flow_health(struct window_flows *flows, const struct key6 *key, const struct flow_health *health)
{
	struct flow_health_entry *added = &flows->health[flows->health_count];

	if (flows->health_count == MAX_HEALTH_ENTRIES)
		return; /* the map holds no more */
	*added = (struct flow_health_entry){.key = *key, .health = *health};
	index_add(&flows->health_index, flows->health_count++);
}

/* Assigns the drops and retransmits of a key to the flow; adds them if it already has some. */
static void assign_health(struct window_flows *flows, struct flow *flow, const struct key6 *key)
{
	const struct flow_health *former = health_of(flows, flow);
	__u32 known = index_find(&flows->health_index, key);
	struct flow_health_entry *found;

	if (known == INDEX_NONE)
		return;
	found = &flows->health[known];
	found->joined = true;
	if (former) {
		found->health.dropped_bytes += former->dropped_bytes;
		found->health.dropped_packets += former->dropped_packets;
		found->health.retransmits += former->retransmits;
		if (!found->health.drop_reason)
			found->health.drop_reason = former->drop_reason;
	}
	flow->health = known + 1;
}

/* Adds a flow that only consists of dropped packets. */
static void add_dropped_flow(struct window_flows *flows, size_t position)
{
	const struct flow_health_entry *dropped = &flows->health[position];

	flows->all[flows->extra++] = (struct flow){
		.family = 6,
		.key6 = dropped->key,
		.first = dropped->health.last,
		.last = dropped->health.last,
		.ifindex = dropped->health.ifindex,
		.first_sender = dropped->health.sender,
		.icmp_type = dropped->health.icmp_type,
		.icmp_code = dropped->health.icmp_code,
		.health = position + 1,
	};
}

static void merge_health(struct window_flows *flows)
{
	if (!flows->health_count)
		return;
	for (size_t i = 0; i < window_flow_count(flows); i++) {
		struct flow *flow = window_flow_at(flows, i);

		if (!flow)
			continue;
		assign_health(flows, flow, &flow->key6);
		if (flow->nat == NAT_KEY_ORIGINAL) {
			struct key6 key = translated_key(flow);

			assign_health(flows, flow, &key);
		}
	}
	for (size_t i = 0; i < flows->health_count; i++) {
		const struct flow_health_entry *health = &flows->health[i];

		if (!health->joined && health->health.in_own_netns && health->health.dropped_packets)
			add_dropped_flow(flows, i);
	}
}

void merge_window_flows(struct window_flows *flows)
{
	merge_nat_flows(flows);
	merge_health(flows);
}

void clear_window_flows(struct window_flows *flows)
{
	memset(&flows->all[flows->first], 0, flows->count * sizeof(struct flow));
	if (flows->extra || flows->translated)
		index_clear(&flows->index);
	if (flows->health_count)
		index_clear(&flows->health_index);
	flows->health_count = 0;
	flows->count = 0;
	flows->extra = 0;
	flows->translated = false;
}
