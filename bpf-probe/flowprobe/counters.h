/* SPDX-License-Identifier: Apache-2.0 */
/* The COUNTERS frame: what flowprobe counts of itself, and the kernel programs' counters. */
#ifndef SONDE_COUNTERS_H
#define SONDE_COUNTERS_H

#include <linux/types.h>

struct flowprobe_bpf;

/* Counted in user space, since the start. */
struct tally {
	__u64 windows;
	__u64 windows_early; /* ended before their time because the maps filled up */
	__u64 flows_reported;
	__u64 packets_reported;
	__u64 bytes_reported;
	__u64 lost_packets_overflow; /* overflow messages beyond the room for them */
	__u64 lost_bytes_overflow;
	/* CPU time of a window's end: */
	__u64 drain_nanos;   /* waiting for the programs, taking the flows over from the map, clearing it */
	__u64 records_nanos; /* joining them, and making records with what is remembered of connections */
	__u64 sending_nanos; /* writing the records to the stream */
	/* Of the window that ended. */
	__u64 map_entries;
	__u64 map_capacity;
	__u64 connections_known;
	__u64 connections_forgotten;
	__u64 interfaces_watched;
	__u64 sampling;
};

/* `end_micros`: the window's end, since 1970. */
void send_counters(const struct flowprobe_bpf *bpf, const struct tally *tally, __u64 end_micros);

#endif
