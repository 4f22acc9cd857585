// SPDX-License-Identifier: Apache-2.0
#include "output/report.h"
#include "clock.h"
#include "output/frames.h"
#include "output/names.h"
#include "payload/dns.h"
#include "processes/processes.h"

/* How many flows ahead the tracked connection is prefetched. */
#define PREFETCHED 8

/* CPU time of this thread when account_cpu_time() was last called. */
static __u64 cpu_time;

void begin_cpu_accounting(void)
{
	cpu_time = clock_nanos(CLOCK_THREAD_CPUTIME_ID);
}

void account_cpu_time(__u64 *sum)
{
	__u64 now = clock_nanos(CLOCK_THREAD_CPUTIME_ID);

	*sum += now - cpu_time;
	cpu_time = now;
}

/* Sends the names that the first `count` records use, then the records. */
static void send_records(struct probe_counters *counters, size_t count)
{
	account_cpu_time(&counters->records_nanos);
	send_names();
	send_flows(count);
	account_cpu_time(&counters->sending_nanos);
}

static void send_window(const struct window_flows *flows, const struct record_context *context,
			struct probe_counters *counters)
{
	struct flow_record *records = flow_records();
	size_t filled = 0, size = window_flow_count(flows);

	for (size_t i = 0; i < size; i++) {
		const struct flow *ahead = i + PREFETCHED < size ? window_flow_at(flows, i + PREFETCHED) : NULL;
		const struct flow *flow = window_flow_at(flows, i);
		struct flow_record *record = &records[filled];

		if (ahead)
			prefetch_connection(context->connections, &ahead->key6);
		if (!flow)
			continue;
		if (!fill_record(record, flow, health_of(flows, flow), context))
			continue;
		counters->flows_reported++;
		counters->packets_reported += record->packets_out + record->packets_in;
		counters->bytes_reported += record->bytes_out + record->bytes_in;
		if (++filled == RECORDS_PER_FRAME) {
			send_records(counters, filled);
			filled = 0;
		}
	}
	send_records(counters, filled);
}

void report_flows(struct window_flows *flows, const struct record_context *context, struct probe_counters *counters)
{
	counters->map_entries = flows->count;
	merge_window_flows(flows);
	/* Before the flows, so that a reader that splits a large window knows their domains. */
	send_dns(context->now);
	send_window(flows, context, counters);
	clear_window_flows(flows);
	expire_connections(context->connections, context->now);
	account_cpu_time(&counters->drain_nanos);

	counters->windows++;
	counters->lost_packets_overflow = flows->lost_packets;
	counters->lost_bytes_overflow = flows->lost_bytes;
	counters->connections_tracked = connections_tracked(context->connections);
	counters->connections_evicted = connections_evicted(context->connections);
	counters->sampling = context->sampling;
	clear_process_cache();
	reset_large_table(NAMES_PROCESSES);
	if (reset_large_table(NAMES_TLS_SERVERS))
		clear_tls_servers(context->connections);
}
