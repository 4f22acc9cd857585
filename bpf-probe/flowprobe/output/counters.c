// SPDX-License-Identifier: Apache-2.0
#include "output/counters.h"
#include "payload/dns.h"
#include "flow.h"
#include "output/frames.h"

static const char *const kernel_names[COUNTERS] = {
	[COUNTER_PACKETS_NOT_IP] = "packets_not_ip",
	[COUNTER_PACKETS_MALFORMED] = "packets_malformed",
	[COUNTER_PACKETS_VIA_RING_BUFFER] = "packets_via_ring_buffer",
	[COUNTER_LOST_PACKETS_MAP_FULL] = "lost_packets_map_full",
	[COUNTER_LOST_BYTES_MAP_FULL] = "lost_bytes_map_full",
	[COUNTER_LOST_PAYLOADS_RING_FULL] = "lost_payloads_ring_full",
	[COUNTER_LOST_HEALTH_EVENTS_MAP_FULL] = "lost_health_events_map_full",
	[COUNTER_FRAGMENTS_UNMATCHED] = "fragments_unmatched",
};

void send_counters(const __u64 kernel[COUNTERS], const struct probe_counters *counters, __u64 end_micros)
{
	const struct {
		const char *name;
		__u64 value;
	} own[] = {
		{"windows", counters->windows},
		{"windows_ended_early", counters->windows_ended_early},
		{"flows_reported", counters->flows_reported},
		{"packets_reported", counters->packets_reported},
		{"bytes_reported", counters->bytes_reported},
		{"lost_packets_overflow_table_full", counters->lost_packets_overflow},
		{"lost_bytes_overflow_table_full", counters->lost_bytes_overflow},
		{"drain_cpu_micros", counters->drain_nanos / 1000},
		{"records_cpu_micros", counters->records_nanos / 1000},
		{"send_cpu_micros", counters->sending_nanos / 1000},
		{"flow_map_entries", counters->map_entries},
		{"flow_map_capacity", counters->map_capacity},
		{"connections_tracked", counters->connections_tracked},
		{"connections_evicted", counters->connections_evicted},
		{"interfaces_watched", counters->interfaces_watched},
		{"sampling", counters->sampling},
		{"dns_transactions", dns_counters.transactions},
		{"dns_transactions_unanswered", dns_counters.unanswered},
		{"dns_messages_malformed", dns_counters.malformed},
		{"lost_dns_transactions_table_full", dns_counters.lost_transactions},
	};
	const __u32 own_count = sizeof(own) / sizeof(own[0]);

	begin_frame(FRAME_COUNTERS);
	put_u64(end_micros);
	put_u32(own_count + COUNTERS);
	for (__u32 i = 0; i < own_count; i++) {
		put_string(own[i].name);
		put_u64(own[i].value);
	}
	for (__u32 i = 0; i < COUNTERS; i++) {
		put_string(kernel_names[i]);
		put_u64(kernel[i]);
	}
	send_frame();
}
