/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Maps and load-time settings that several features share; other maps are in the header of their feature. */
#ifndef SONDE_MAPS_H
#define SONDE_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "flow.h"

/*
 * Flows of two windows. Packets of the current window go to one half; user space maps the array into its memory and
 * reads the other half, which nothing writes to. Entries are allocated in order, so reading needs no search. All CPUs
 * share them and count atomically: per-CPU values would multiply memory and reading by the number of CPUs. table.h
 * finds entries by key. User space sets the size.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

/* Packets that do not fit into the flow map, and the signal that it is filling up (enum packet_message_kind). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} packets SEC(".maps");

/* struct payload_message of variable length. Separate from `packets`, so that neither starves the other. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} payloads SEC(".maps");

/* Counters by enum counter; names in flowprobe/output/counters.c. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Set before loading, and constant to the verifier. */
#ifndef LOAD_SETTING
#define LOAD_SETTING const volatile
#endif
LOAD_SETTING bool has_conntrack = false;   /* bpf_skb_ct_lookup, Linux 5.19 */
LOAD_SETTING bool has_processes = false;   /* the program `sonde_socket` is attached */
LOAD_SETTING bool has_retransmits = false; /* the program `sonde_retransmit` is attached */
LOAD_SETTING __u32 ingress_mark = 0;	   /* see flowprobe.bpf.c */
LOAD_SETTING __u32 capacity = 1;	   /* entries of a window */
LOAD_SETTING __u32 pressure_entries = 0;   /* entries at which a window ends early */

/* Set for each window; in one cache line, because every packet reads them. */
struct {
	__u32 number;	/* number of the window; its parity selects the half of each map */
	__u32 sampling; /* count one packet in this many; 1 is every packet */
} window __attribute__((aligned(64)));

__u32 used_entries[2];	 /* entries allocated in the latest even and odd window */
__u32 pressure_notified; /* number + 1 of the last window for which user space was woken early */

static __always_inline void add_counter(enum counter counter, __u64 value)
{
	__u32 index = counter;
	__u64 *total = bpf_map_lookup_elem(&counters, &index);

	if (total)
		*total += value;
}

/*
 * Monotonic time in ns; with the resolution of a tick (1 to 10 ms) where the kernel has the coarse clock (Linux 5.11).
 * CO-RE decides at load time: a setting would be one more cache line to read for every packet.
 */
static __always_inline __u64 coarse_now(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_coarse_ns))
		return bpf_ktime_get_coarse_ns();
	return bpf_ktime_get_ns();
}

#endif
