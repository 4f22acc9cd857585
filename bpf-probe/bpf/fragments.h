/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Ports of fragmented packets: only the first fragment carries them (RFC 791 section 3.2). */
#ifndef SONDE_FRAGMENTS_H
#define SONDE_FRAGMENTS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct fragment_key {
	__u32 addr[2][4]; /* source and destination; IPv4 in addr[][0] */
	__u32 id;
	__u32 protocol;
};

struct fragment_ports {
	__u16 source;
	__u16 destination;
	__u32 key_kind;
};

/* Fragmented packets; the least recently used are evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct fragment_key);
	__type(value, struct fragment_ports);
} fragments SEC(".maps");

#endif
