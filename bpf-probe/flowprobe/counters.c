// SPDX-License-Identifier: Apache-2.0
#include "counters.h"
#include "dns.h"
#include "exit.h"
#include "flow.h"
#include "frames.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

static const char *const kernel_names[COUNTERS] = {
	[COUNTER_PACKETS_NOT_IP] = "packets_not_ip",
	[COUNTER_PACKETS_MALFORMED] = "packets_malformed",
	[COUNTER_MAP_FULL_FALLBACKS] = "packets_map_full_fallback",
	[COUNTER_LOST_PACKETS_MAP_FULL] = "lost_packets_map_full",
	[COUNTER_LOST_BYTES_MAP_FULL] = "lost_bytes_map_full",
	[COUNTER_LOST_PAYLOADS_RING_FULL] = "lost_payloads_ring_full",
	[COUNTER_LOST_TROUBLES_MAP_FULL] = "lost_troubles_map_full",
	[COUNTER_FRAGMENTS_UNKNOWN] = "fragments_unknown",
};

static __u64 sum_of_cpus(int map, __u32 counter)
{
	static __u64 *values;
	static int cpus;
	__u64 sum = 0;

	if (!values) {
		cpus = libbpf_num_possible_cpus();
		values = calloc(cpus, sizeof(*values));
	}
	if (!values || bpf_map_lookup_elem(map, &counter, values))
		fail(EXIT_OTHER, "cannot read the counters: %s", strerror(errno));
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	return sum;
}

void send_counters(const struct flowprobe_bpf *bpf, const struct tally *tally, __u64 end_micros)
{
	const struct {
		const char *name;
		__u64 value;
	} own[] = {
		{"windows", tally->windows},
		{"windows_early", tally->windows_early},
		{"flows_reported", tally->flows_reported},
		{"packets_reported", tally->packets_reported},
		{"bytes_reported", tally->bytes_reported},
		{"lost_packets_overflow_full", tally->lost_packets_overflow},
		{"lost_bytes_overflow_full", tally->lost_bytes_overflow},
		{"drain_micros", tally->drain_nanos / 1000},
		{"records_micros", tally->records_nanos / 1000},
		{"sending_micros", tally->sending_nanos / 1000},
		{"map_entries", tally->map_entries},
		{"map_capacity", tally->map_capacity},
		{"connections_known", tally->connections_known},
		{"connections_forgotten", tally->connections_forgotten},
		{"interfaces_watched", tally->interfaces_watched},
		{"sampling", tally->sampling},
		{"dns_transactions", dns_tally.transactions},
		{"dns_unanswered", dns_tally.unanswered},
		{"dns_malformed", dns_tally.malformed},
		{"lost_dns_transactions", dns_tally.lost_transactions},
	};
	const __u32 own_count = sizeof(own) / sizeof(own[0]);

	begin_frame(FRAME_COUNTERS);
	put_u64(end_micros);
	put_u32(own_count + COUNTERS);
	for (__u32 i = 0; i < own_count; i++) {
		put_text(own[i].name);
		put_u64(own[i].value);
	}
	for (__u32 i = 0; i < COUNTERS; i++) {
		put_text(kernel_names[i]);
		put_u64(sum_of_cpus(bpf_map__fd(bpf->maps.counters), i));
	}
	send_frame();
}
