// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The flow probe's kernel programs: one for each kind of interface and direction. They read, count and pass on;
 * the verdict is always "next", so other programs on the hook are not disturbed.
 *
 * A packet is counted where it enters through a watched interface. Where it leaves through one it is counted only if it
 * did not enter through another. That is noted in the packet itself, in the upper byte of its tc_index, which the
 * kernel keeps through routing, bridging, fragmenting and tunnels, and gives up when the packet is delivered; others
 * that use the field (Cilium) use the lower byte.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "flow.h"
#include "maps.h"
#include "packet.h"
#include "packet_slow.h"
#include "count.h"
#include "tunnels.h"
#include "unreachable.h"
#include "troubles.h"

char LICENSE[] SEC("license") = "GPL";

#define VERDICT_NEXT (-1) /* TCX_NEXT, TC_ACT_UNSPEC: go on with the next program */

#define MARK_BITS 0xff00

/* True for a packet that was counted when it entered through another watched interface, or is sampled out. */
static __always_inline bool passes_uncounted(struct __sk_buff *skb, enum hook hook)
{
	__u32 index = skb->tc_index;

	if (hook & HOOK_INGRESS)
		skb->tc_index = (index & ~MARK_BITS) | entered_mark;
	else if ((index & MARK_BITS) == entered_mark)
		return true;
	return window.sampling > 1 && bpf_get_prandom_u32() % window.sampling != 0;
}

/* Counts what the fast parsers leave. `hook` and `l2` are constant where it is called. */
static __noinline int observe_slow(struct __sk_buff *skb, enum hook hook, __u32 l2)
{
	struct slow_packet *s = parse_slow(skb, l2);

	if (!s)
		return 0;
	if (s->version == 4)
		count4(skb, &s->key4, &s->packet, hook);
	else
		count6(skb, &s->key6, &s->packet, hook);
	if (s->packet.tunnel)
		note_tunnel(s);
	if (s->bucket == BUCKET_ICMP_MESSAGE)
		note_unreachable(skb, s);
	return 0;
}

/* `l2` is the length of the interface's link header. */
static __always_inline int observe(struct __sk_buff *skb, enum hook hook, __u32 l2)
{
	struct packet p;
	union {
		struct key4 v4;
		struct key6 v6;
	} key;

	if (passes_uncounted(skb, hook))
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
	observe_slow(skb, hook, l2);
	return VERDICT_NEXT;
}

SEC("tc")
int sonde_pod_in(struct __sk_buff *skb)
{
	return observe(skb, HOOK_POD | HOOK_INGRESS, ETH_HLEN);
}

SEC("tc")
int sonde_pod_out(struct __sk_buff *skb)
{
	return observe(skb, HOOK_POD, ETH_HLEN);
}

SEC("tc")
int sonde_uplink_in(struct __sk_buff *skb)
{
	return observe(skb, HOOK_INGRESS, ETH_HLEN);
}

SEC("tc")
int sonde_uplink_out(struct __sk_buff *skb)
{
	return observe(skb, 0, ETH_HLEN);
}

/* Interfaces without a link header, for example tunnels of IP in IP. */
SEC("tc")
int sonde_ip_in(struct __sk_buff *skb)
{
	return observe(skb, HOOK_INGRESS, 0);
}

SEC("tc")
int sonde_ip_out(struct __sk_buff *skb)
{
	return observe(skb, 0, 0);
}
