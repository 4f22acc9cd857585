// SPDX-License-Identifier: Apache-2.0
/*
 * Feeds arbitrary bytes to the packet parser of the kernel programs, compiled for user space with AddressSanitizer.
 * Checks that the slow parser reads the same key, sizes and flags from a packet that a fast parser accepts.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <linux/bpf.h>
#include "packet_slow.h"

#define MAX_FRAME 4096

static struct slow_packet slow;
static struct fragment_ports last_fragment;
static __u64 counted[COUNTERS];

long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	if (offset > skb->len || size > skb->len - offset)
		return -1;
	memcpy(to, (void *)(long)(skb->data + offset), size);
	return 0;
}

void *bpf_map_lookup_elem(const void *map, const void *key)
{
	if (map == &slow_scratch)
		return &slow;
	if (map == &fragments)
		return &last_fragment;
	return map == &counters ? &counted[*(const __u32 *)key] : NULL;
}

long bpf_map_update_elem(const void *map, const void *key, const void *value, __u64 flags)
{
	if (map == &fragments)
		memcpy(&last_fragment, value, sizeof(last_fragment));
	return 0;
}

__u64 bpf_ktime_get_ns(void)
{
	return 1;
}

static void compare(struct __sk_buff *skb, const struct packet *fast, const void *key, size_t key_size)
{
	const struct slow_packet *s = parse_slow(skb, ETH_HLEN);

	assert(s && memcmp(&s->key6, key, key_size) == 0);
	assert(s->packet.bytes == fast->bytes && s->packet.packets == fast->packets);
	assert(s->packet.sender == fast->sender && s->packet.tcp_flags == fast->tcp_flags);
	assert(s->packet.payload == fast->payload);
	assert(s->packet.payload_length == fast->payload_length && s->packet.sequence == fast->sequence);
}

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size)
{
	/* Programs see addresses of 32 bits. The frame ends where the page does: reading beyond is a fault. */
	static __u8 *page;
	struct __sk_buff skb = {};
	struct packet p;
	struct key4 key4;
	struct key6 key6;

	if (!page)
		page = mmap(NULL, 2 * MAX_FRAME, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (page == MAP_FAILED || mprotect(page, MAX_FRAME, PROT_READ | PROT_WRITE))
		abort();
	if (size < ETH_HLEN + 1 || size > MAX_FRAME)
		return 0;
	skb.gso_segs = bytes[0] & 3; /* the frame's first bytes, its addresses, are not read */
	skb.data = (__u32)(long)page + MAX_FRAME - size;
	skb.data_end = (__u32)(long)page + MAX_FRAME;
	skb.len = size;
	memcpy((void *)(long)skb.data, bytes, size);
	skb.protocol = bytes[12] | bytes[13] << 8;

	parse_slow(&skb, ETH_HLEN);
	parse_slow(&skb, 0);
	if (skb.protocol == bpf_htons(ETH_P_IP) && parse4_fast(&skb, ETH_HLEN, &key4, &p))
		compare(&skb, &p, &key4, sizeof(key4));
	if (skb.protocol == bpf_htons(ETH_P_IPV6) && parse6_fast(&skb, ETH_HLEN, &key6, &p))
		compare(&skb, &p, &key6, sizeof(key6));
	return 0;
}
