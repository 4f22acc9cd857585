// SPDX-License-Identifier: Apache-2.0
#include "programs.h"

static const struct captured_packet *current;

/* Of the payload of a packet that was cut off, what is there is read. */
#define present_payload(p)                                                                                             \
	((p)->payload >= current->captured			  ? 0                                                  \
	 : (p)->payload_length < current->captured - (p)->payload ? (p)->payload_length                                \
								  : current->captured - (p)->payload)

#include <linux/bpf.h>
#include "handle_packet.h"

#include "copies.h"
#include "kernel/map_values.h"
#include "lru_map.h"
#include "memory.h"
#include "uplinks.h"

/* Ingress marks packets with this; each packet is a new one here, so none is marked before. */
#define MARK 0x100

/* Bytes of the transport header and payload that tell packets apart. */
#define COMPARED_BYTES 96

__u64 copies_skipped;

static struct program_events events;

/* The maps. */
static struct flow *flow_entries;
static struct hash_bucket *bucket_entries;
static struct entry_lock lock_entries[2];
static struct slow_packet slow_entry;
static struct payload_message payload_entry;
static struct nat_lookup nat_entry;
static struct overflow_message packet_message;
static __u64 counter_entries[COUNTERS];
static struct lru_map *fragment_map, *tunnel_map;

void *bpf_map_lookup_elem(const void *map, const void *key)
{
	if (map == &buckets)
		return &bucket_entries[*(const __u32 *)key];
	if (map == &flows)
		return &flow_entries[*(const __u32 *)key];
	if (map == &entry_locks)
		return &lock_entries[*(const __u32 *)key];
	if (map == &counters)
		return &counter_entries[*(const __u32 *)key];
	if (map == &slow_scratch)
		return &slow_entry;
	if (map == &payload_scratch)
		return &payload_entry;
	if (map == &nat_scratch)
		return &nat_entry;
	if (map == &fragments)
		return lru_map_find(fragment_map, key);
	if (map == &tunnels)
		return lru_map_find(tunnel_map, key);
	return NULL;
}

long bpf_map_update_elem(const void *map, const void *key, const void *value, __u64 flags)
{
	if (map == &fragments)
		lru_map_put(fragment_map, key, value);
	else if (map == &tunnels)
		lru_map_put(tunnel_map, key, value);
	return 0;
}

/* The packet's memory ends where its captured bytes do, although it was longer. */
long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	if (offset > current->captured || size > current->captured - offset)
		return -1;
	memcpy(to, current->bytes + offset, size);
	return 0;
}

__u64 bpf_ktime_get_ns(void)
{
	return current->at;
}

/* Ring buffers are never full: messages are handled at once. */
void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	return &packet_message;
}

void bpf_ringbuf_submit(void *message, __u64 flags)
{
	if (packet_message.kind == MESSAGE_OVERFLOW)
		events.overflow(&packet_message);
	else
		events.pressure();
}

long bpf_ringbuf_output(void *ring, void *message, __u64 size, __u64 flags)
{
	events.payload(message);
	return 0;
}

struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple, __u32 tuple_size,
				  struct bpf_ct_opts___local *opts, __u32 opts_size)
{
	return NULL;
}

void bpf_ct_release(struct nf_conn *connection)
{
}

void load_programs(struct flow *flow_memory, __u32 max_flows, const struct program_events *handlers)
{
	__u32 bucket_count = 1;

	while (bucket_count * 4 < max_flows)
		bucket_count *= 2;
	events = *handlers;
	flow_entries = flow_memory;
	bucket_entries = reserve_memory(2 * bucket_count * sizeof(*bucket_entries));
	fragment_map = create_lru_map(4096, sizeof(struct fragment_key), sizeof(struct fragment_ports));
	tunnel_map = create_lru_map(16384, sizeof(struct key6), sizeof(struct tunnel));
	capacity = max_flows;
	pressure_entries = max_flows - max_flows / 4;
	bucket_mask = bucket_count - 1;
	ingress_mark = MARK;
	window.sampling = 1;
	/* A bucket whose window is the current one counts as filled, so windows begin with 1. */
	window.number = 1;
}

static __u64 mix_bytes(__u64 hash, const void *bytes, __u32 size)
{
	const __u8 *from = bytes;

	for (; size >= 8; size -= 8, from += 8) {
		__u64 word;

		memcpy(&word, from, sizeof(word));
		hash = mix(hash, word);
	}
	for (; size; size--)
		hash = mix(hash, *from++);
	return hash;
}

/*
 * A hash of what routers and tunnels do not change: not of the TTL, the traffic class and the checksums. Offloads
 * complete the transport checksum on the way.
 */
static __u64 packet_hash(const struct slow_packet *s)
{
	__u8 bytes[COMPARED_BYTES] = {};
	__u32 end =
		current->captured - s->transport < COMPARED_BYTES ? current->captured - s->transport : COMPARED_BYTES;
	__u64 hash = mix(s->version, s->packet.bytes);

	if (s->version == 4) {
		hash = mix(hash, (__u64)s->ip4.id << 32 | (__u64)s->ip4.frag_off << 16 | s->ip4.protocol);
		hash = mix(hash, (__u64)s->ip4.saddr << 32 | s->ip4.daddr);
	} else {
		hash = mix_bytes(hash, &s->ip6.saddr, 32);
		hash = mix(hash, s->protocol);
	}
	if (s->transport >= current->captured)
		return hash;
	memcpy(bytes, current->bytes + s->transport, end);
	if (s->protocol == IPPROTO_TCP && !s->later_fragment)
		bytes[16] = bytes[17] = 0;
	if (s->protocol == IPPROTO_UDP && !s->later_fragment)
		bytes[6] = bytes[7] = 0;
	return mix_bytes(hash, bytes, end);
}

/* Whether an end of the packet is a pod behind the interface, rather than on another node. */
static bool is_of_pod(const struct slow_packet *s)
{
	bool routed = was_routed(s->version == 4 ? s->ip4.ttl : s->ip6.hop_limit);

	if (s->packet.tunnel || (routed && current->direction == DIRECTION_IN)) {
		add_uplink(current->interface);
		return false;
	}
	return !is_uplink(current->interface);
}

/* Several interfaces: what was counted at one is not counted again at another. */
static void count_unless_copy(struct __sk_buff *skb, enum hook hook)
{
	struct slow_packet *s = parse_slow(skb, current->link);

	if (!s)
		return;
	if (!is_of_pod(s))
		hook &= ~HOOK_POD;
	if (is_copy(packet_hash(s), current->interface, current->at))
		copies_skipped++;
	else
		count_slow_packet(skb, s, hook);
}

void run_programs(const struct captured_packet *packet)
{
	struct __sk_buff skb = {
		.len = packet->length,
		.protocol = packet->protocol,
		.vlan_present = packet->tagged,
		.vlan_tci = packet->vlan,
		.data = (__u32)(unsigned long)packet->bytes,
		.data_end = (__u32)(unsigned long)(packet->bytes + packet->captured),
	};
	enum hook hook = packet->direction == DIRECTION_UNKNOWN ? HOOK_INGRESS
			 : packet->direction == DIRECTION_IN	? HOOK_POD | HOOK_INGRESS
								: HOOK_POD;

	current = packet;
	if (packet->may_repeat)
		count_unless_copy(&skb, hook);
	else if (packet->link)
		handle_packet(&skb, hook, ETH_HLEN);
	else
		handle_packet(&skb, hook, 0);
}

unsigned next_window(__u32 *used)
{
	unsigned ended = window.number++ & 1;

	*used = used_entries[ended];
	used_entries[ended] = 0;
	return ended;
}

__u32 window_number(void)
{
	return window.number;
}

void read_counters(const struct flowprobe_bpf *bpf, __u64 values[COUNTERS])
{
	memcpy(values, counter_entries, sizeof(counter_entries));
}

bool read_tunnel(const struct flowprobe_bpf *bpf, const struct key6 *key, struct tunnel *tunnel)
{
	const struct tunnel *known = lru_map_find(tunnel_map, key);

	if (known)
		*tunnel = *known;
	return known;
}
