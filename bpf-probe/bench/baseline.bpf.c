// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * What the probe's cost is compared with: the least that a flow counter does for a packet. It parses the five-tuple
 * in place, looks it up in a per-CPU hash map, and updates bytes, packets and times, in one direction only.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

struct five_tuple {
	__u32 source;
	__u32 destination;
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 zero[3];
};

struct totals {
	__u64 bytes;
	__u64 packets;
	__u64 first;
	__u64 last;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 131072);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct five_tuple);
	__type(value, struct totals);
} flows SEC(".maps");

static __always_inline int count(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = data + sizeof(*ethernet);
	__u16 *ports = (void *)(ip + 1);
	struct five_tuple key = {};
	struct totals *totals;
	__u64 now = bpf_ktime_get_ns();

	if ((void *)(ports + 2) > end || ethernet->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return -1;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return -1;
	key.source = ip->saddr;
	key.destination = ip->daddr;
	key.source_port = ports[0];
	key.destination_port = ports[1];
	key.protocol = ip->protocol;

	totals = bpf_map_lookup_elem(&flows, &key);
	if (totals) {
		totals->bytes += skb->len;
		totals->packets++;
		totals->last = now;
	} else {
		struct totals first = {.bytes = skb->len, .packets = 1, .first = now, .last = now};

		bpf_map_update_elem(&flows, &key, &first, BPF_ANY);
	}
	return -1;
}

SEC("tc")
int baseline_in(struct __sk_buff *skb)
{
	return count(skb);
}

SEC("tc")
int baseline_out(struct __sk_buff *skb)
{
	return count(skb);
}
