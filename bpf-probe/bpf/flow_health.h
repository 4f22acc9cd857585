/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Drops and retransmits by flow. They are seen at tracepoints, so user space joins them with the flows. */
#ifndef SONDE_FLOW_HEALTH_H
#define SONDE_FLOW_HEALTH_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "maps.h"

struct health_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct key6);
	__type(value, struct flow_health);
};

/* One map for even windows, one for odd ones. */
struct health_map health_even SEC(".maps"), health_odd SEC(".maps");

/* The entry of a flow in this window, new or existing. Counts a loss and returns NULL if the map is full. */
static __always_inline struct flow_health *get_flow_health(const struct key6 *key)
{
	static const struct flow_health empty;
	bool odd = window.number & 1;
	struct flow_health *health;

	health = odd ? bpf_map_lookup_elem(&health_odd, key) : bpf_map_lookup_elem(&health_even, key);
	if (health)
		return health;
	if (odd) {
		bpf_map_update_elem(&health_odd, key, &empty, BPF_NOEXIST);
		health = bpf_map_lookup_elem(&health_odd, key);
	} else {
		bpf_map_update_elem(&health_even, key, &empty, BPF_NOEXIST);
		health = bpf_map_lookup_elem(&health_even, key);
	}
	if (!health)
		add_counter(COUNTER_LOST_HEALTH_EVENTS_MAP_FULL, 1);
	return health;
}

#endif
