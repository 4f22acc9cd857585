/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flows of one window, merged in place in the map's memory so that there is one for each connection: packets that
 * did not fit into the map are added to their flow, and the flows seen before and after NAT are merged.
 */
#ifndef SONDE_WINDOW_FLOWS_H
#define SONDE_WINDOW_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include "flow.h"
#include "flows/index.h"

struct flow_health_entry {
	struct key6 key;
	struct flow_health health;
	bool joined; /* assigned to a flow */
};

struct window_flows {
	/*
	 * Room for flows that are not in the map, then the two halves of the map. After load_window_flows() a flow's
	 * key is a key6 with IPv4 mapped into IPv6; after merge_window_flows() it is the original tuple (before NAT),
	 * and `nat_tuple` the translated one if `nat` is NAT_KEY_ORIGINAL. Family 0 marks an unused entry.
	 */
	struct flow *all;
	size_t capacity; /* entries of one window in the map */
	size_t room;	 /* entries for flows that are not in the map */
	size_t first;	 /* position of the window's half of the map */
	size_t count;	 /* entries of the window */
	size_t extra;	 /* flows that are not in the map: overflowed ones, then those with dropped packets only */
	bool translated; /* some flows have NAT tuples */
	struct index index;
	struct flow_health_entry *health;
	size_t health_count;
	struct index health_index;
	__u64 lost_packets, lost_bytes; /* overflow messages that did not fit, since the start */
};

/* Entries that flows which are not in the map need, so that the map's own begin at a page boundary. */
size_t window_flows_room(size_t capacity, size_t page_size);

/* `all`: zeroed memory of `room` entries, then the map's: `capacity` entries for each of two windows. */
struct window_flows create_window_flows(struct flow *all, size_t room, size_t capacity);

/* Loads the `count` entries of an even (parity 0) or odd window. Nothing may write to that half any more. */
void load_window_flows(struct window_flows *flows, unsigned parity, size_t count);

/* Adds a packet that did not fit into the map. */
void add_overflow(struct window_flows *flows, const struct overflow_message *message);

/* Adds drops and retransmits of a flow. */
void add_flow_health(struct window_flows *flows, const struct key6 *key, const struct flow_health *health);

/*
 * Merges to one flow for each connection, with its drops and retransmits. Packets dropped in this network namespace
 * before they reached a watched interface become flows without packets; other drops without a flow are ignored.
 */
void merge_window_flows(struct window_flows *flows);

/* The flow at position 0 to window_flow_count() - 1; NULL if there is none. */
static inline struct flow *window_flow_at(const struct window_flows *flows, size_t position)
{
	struct flow *flow =
		position < flows->extra ? &flows->all[position] : &flows->all[flows->first + position - flows->extra];

	return flow->family ? flow : NULL;
}

static inline size_t window_flow_count(const struct window_flows *flows)
{
	return flows->extra + flows->count;
}

/* Drops and retransmits of a flow; NULL if there were none. */
static inline const struct flow_health *health_of(const struct window_flows *flows, const struct flow *flow)
{
	return flow->health ? &flows->health[flow->health - 1].health : NULL;
}

/* Returns the window's entries to the kernel, zeroed. The loss counters are cumulative and stay. */
void clear_window_flows(struct window_flows *flows);

#endif
