/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The maps and the settings of the kernel programs. */
#ifndef SONDE_MAPS_H
#define SONDE_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "flow.h"

/*
 * The flows of two windows: while packets of one go to one half, user space, which has the map in its own memory, reads
 * the other, to which nothing writes. Entries are taken one after the other, so that reading them needs no search, and
 * are shared by all CPUs and counted atomically: per-CPU values would multiply memory and the work of reading by the
 * number of CPUs. table.h finds them. The size is set by user space.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

/* Takes what finds no room in the flow map, and wakes user space when it fills up (enum packet_message_kind). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} packets SEC(".maps");

/* struct payload_message, each as long as its payload. Apart from `packets`, so that neither starves the other. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} payloads SEC(".maps");

/* enum counter */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Settings, written before loading. */
const volatile bool has_conntrack = false; /* bpf_skb_ct_lookup, Linux 5.19 */
const volatile bool has_owners = false;	   /* the program `sonde_socket` is attached */
const volatile __u32 entered_mark = 0;	   /* see flowprobe.bpf.c */
const volatile __u32 capacity = 1;	   /* entries of a window */
const volatile __u32 pressure_entries = 0; /* entries of a window that call for its early end */

/* Settings that change with the window: read for every packet, so together in one cache line. */
struct {
	__u32 number;	/* counts the windows; odd and even ones use halves of their own */
	__u32 sampling; /* count one packet in this many; 1 is every packet */
} window __attribute__((aligned(64)));

__u32 entries[2];    /* entries taken in the latest even and odd window */
__u32 pressure_told; /* number + 1 of the window whose early end user space was last asked for */

static __always_inline void count(enum counter counter, __u64 value)
{
	__u32 index = counter;
	__u64 *total = bpf_map_lookup_elem(&counters, &index);

	if (total)
		*total += value;
}

/*
 * Nanoseconds on the monotonic clock, to the tick (1 to 10 ms) where the kernel has a cheap clock (Linux 5.11). CO-RE
 * decides when the program is loaded: a setting would be one more cache line to read for every packet.
 */
static __always_inline __u64 coarse_now(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_coarse_ns))
		return bpf_ktime_get_coarse_ns();
	return bpf_ktime_get_ns();
}

#endif
