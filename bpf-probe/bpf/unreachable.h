/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * ICMP errors that refuse a connection (RFC 792, RFC 4443): marks the TCP flow of the packet that the message quotes.
 * The flow may have no packet in this window: then its entry has none, and user space knows the connection.
 */
#ifndef SONDE_UNREACHABLE_H
#define SONDE_UNREACHABLE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "count.h"
#include "flow.h"
#include "packet_slow.h"

#define ICMP_UNREACHABLE	  3
#define ICMP_FRAGMENTATION_NEEDED 4 /* a code of ICMP_UNREACHABLE */
#define ICMP_TIME_EXCEEDED	  11
#define ICMP_PARAMETER_PROBLEM	  12
#define ICMPV6_UNREACHABLE	  1
#define ICMPV6_TIME_EXCEEDED	  3
#define ICMPV6_PARAMETER_PROBLEM  4
#define ICMP_HEADER		  8

/* Whether a message means that the quoted packet was not delivered and sending it again does not help. */
static __always_inline bool is_refusal(const struct slow_packet *s)
{
	__u8 type = s->packet.icmp_type;

	if (s->version == 4 && s->protocol == IPPROTO_ICMP)
		return (type == ICMP_UNREACHABLE && s->packet.icmp_code != ICMP_FRAGMENTATION_NEEDED) ||
		       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
	if (s->version == 6 && s->protocol == IPPROTO_ICMPV6)
		return type == ICMPV6_UNREACHABLE || type == ICMPV6_TIME_EXCEEDED || type == ICMPV6_PARAMETER_PROBLEM;
	return false;
}

static __noinline void resolve_quoted4(struct __sk_buff *skb, struct flow *f, const struct key4 *key, __u32 sender,
				       enum hook hook)
{
	resolve_nat4(skb, f, key, sender, hook);
}

static __noinline void refuse4(struct __sk_buff *skb, struct slow_packet *s, enum hook hook)
{
	__u32 inside = s->transport + ICMP_HEADER;
	struct insert_hint hint;
	struct flow *f;

	if (!load(skb, inside, &s->ip4, sizeof(s->ip4)) || s->ip4.protocol != IPPROTO_TCP ||
	    !load(skb, inside + s->ip4.ihl * 4, &s->ports, sizeof(s->ports)))
		return;
	__builtin_memset(&s->packet, 0, sizeof(s->packet));
	s->packet.sender = set_key4(&s->key4, s->ip4.saddr, s->ip4.daddr, s->ports.source, s->ports.destination,
				    IPPROTO_TCP, KEY_CONNECTION);
	f = find4(&s->key4, window.number, &hint);
	if (!f)
		f = make4(skb, &s->key4, &s->packet, window.number, &hint);
	if (!f)
		return;
	if (!f->last)
		f->last = f->first;
	f->unreachable = 1;
	/* The message goes to the sender of the quoted packet. */
	if (has_conntrack && f->nat == NAT_UNKNOWN)
		resolve_quoted4(skb, f, &s->key4, hook & HOOK_INGRESS ? 1 - (s->packet.sender & 1) : s->packet.sender,
				hook);
}

static __noinline void resolve_quoted6(struct __sk_buff *skb, struct flow *f, const struct key6 *key, __u32 sender,
				       enum hook hook)
{
	resolve_nat6(skb, f, key, sender, hook);
}

static __noinline void refuse6(struct __sk_buff *skb, struct slow_packet *s, enum hook hook)
{
	__u32 inside = s->transport + ICMP_HEADER;
	struct insert_hint hint;
	struct flow *f;

	if (!load(skb, inside, &s->ip6, sizeof(s->ip6)) || s->ip6.nexthdr != IPPROTO_TCP ||
	    !load(skb, inside + sizeof(s->ip6), &s->ports, sizeof(s->ports)))
		return;
	__builtin_memset(&s->packet, 0, sizeof(s->packet));
	s->packet.sender = set_key6(&s->key6, s->ip6.saddr.in6_u.u6_addr32, s->ip6.daddr.in6_u.u6_addr32,
				    s->ports.source, s->ports.destination, IPPROTO_TCP, KEY_CONNECTION);
	f = find6(&s->key6, window.number, &hint);
	if (!f)
		f = make6(skb, &s->key6, &s->packet, window.number, &hint);
	if (!f)
		return;
	if (!f->last)
		f->last = f->first;
	f->unreachable = 1;
	/* The message goes to the sender of the quoted packet. */
	if (has_conntrack && f->nat == NAT_UNKNOWN)
		resolve_quoted6(skb, f, &s->key6, hook & HOOK_INGRESS ? 1 - (s->packet.sender & 1) : s->packet.sender,
				hook);
}

/* Marks the flow whose packet is quoted in the ICMP message `s`, if the message refuses it. Overwrites `s`. */
static __always_inline void mark_unreachable(struct __sk_buff *skb, struct slow_packet *s, enum hook hook)
{
	if (!is_refusal(s))
		return;
	if (s->version == 4)
		refuse4(skb, s, hook);
	else
		refuse6(skb, s, hook);
}

#endif
