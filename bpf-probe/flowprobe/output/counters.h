/* SPDX-License-Identifier: Apache-2.0 */
/* The COUNTERS frame: counters of flowprobe and of the kernel programs. */
#ifndef SONDE_COUNTERS_H
#define SONDE_COUNTERS_H

#include "flow.h"

/* Counted in user space, since the start. */
struct probe_counters {
	__u64 windows;
	__u64 windows_ended_early; /* because the flow map was filling up */
	__u64 flows_reported;
	__u64 packets_reported;
	__u64 bytes_reported;
	__u64 lost_packets_overflow; /* overflow messages that did not fit */
	__u64 lost_bytes_overflow;
	/* CPU time at the end of windows: */
	__u64 drain_nanos;   /* waiting for the programs, loading the flows, clearing the map */
	__u64 records_nanos; /* merging flows and filling in records */
	__u64 sending_nanos; /* writing records to the output */
	/* Of the latest window. */
	__u64 map_entries;
	__u64 map_capacity;
	__u64 connections_tracked;
	__u64 connections_evicted;
	__u64 interfaces_watched;
	__u64 sampling;
};

/* `kernel`: those of the kernel programs. `end_micros`: the window's end, since 1970. */
void send_counters(const __u64 kernel[COUNTERS], const struct probe_counters *counters, __u64 end_micros);

#endif
