/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the programs do with a packet.
 *
 * A packet is counted on ingress at a watched interface. On egress it is counted only if it did not enter through
 * another watched interface. Ingress marks the packet in the upper byte of tc_index, which the kernel keeps through
 * routing, bridging, fragmentation and tunnels until delivery; Cilium uses the lower byte.
 */
#ifndef SONDE_HANDLE_PACKET_H
#define SONDE_HANDLE_PACKET_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "count.h"
#include "flow.h"
#include "maps.h"
#include "packet.h"
#include "packet_slow.h"
#include "tunnels.h"
#include "unreachable.h"

#define VERDICT_NEXT (-1) /* TCX_NEXT, TC_ACT_UNSPEC: continue with the next program */

#define MARK_BITS 0xff00

/* Returns true for a packet that was already counted on ingress, or is not sampled. */
static __always_inline bool is_skipped(struct __sk_buff *skb, enum hook hook)
{
	__u32 index = skb->tc_index;

	if (hook & HOOK_INGRESS)
		skb->tc_index = (index & ~MARK_BITS) | ingress_mark;
	else if ((index & MARK_BITS) == ingress_mark)
		return true;
	return window.sampling > 1 && bpf_get_prandom_u32() % window.sampling != 0;
}

/* Counts a packet that parse_slow() parsed. */
static __always_inline void count_slow_packet(struct __sk_buff *skb, struct slow_packet *s, enum hook hook)
{
	if (s->version == 4)
		count4(skb, &s->key4, &s->packet, hook);
	else
		count6(skb, &s->key6, &s->packet, hook);
	if (s->packet.tunnel)
		record_tunnel(s);
	if (s->key_kind == KEY_ICMP_MESSAGE)
		mark_unreachable(skb, s, hook);
}

/* Counts a packet that the fast parsers skipped. `hook` and `l2` are constants at each call. */
static __noinline int handle_packet_slow(struct __sk_buff *skb, enum hook hook, __u32 l2)
{
	struct slow_packet *s = parse_slow(skb, l2);

	if (s)
		count_slow_packet(skb, s, hook);
	return 0;
}

/* `l2`: length of the link header. */
static __always_inline int handle_packet(struct __sk_buff *skb, enum hook hook, __u32 l2)
{
	struct packet p;
	union {
		struct key4 v4;
		struct key6 v6;
	} key;

	if (is_skipped(skb, hook))
		return VERDICT_NEXT;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (parse4_fast(skb, l2, &key.v4, &p)) {
			count4(skb, &key.v4, &p, hook);
			return VERDICT_NEXT;
		}
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (parse6_fast(skb, l2, &key.v6, &p)) {
			count6(skb, &key.v6, &p, hook);
			return VERDICT_NEXT;
		}
	}
	handle_packet_slow(skb, hook, l2);
	return VERDICT_NEXT;
}

#endif
