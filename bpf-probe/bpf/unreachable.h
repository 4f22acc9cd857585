/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* ICMP "destination unreachable" (RFC 792, RFC 4443 section 3.1): marks the flow of the packet that it quotes. */
#ifndef SONDE_UNREACHABLE_H
#define SONDE_UNREACHABLE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "count.h"
#include "flow.h"
#include "packet_slow.h"

#define ICMP_UNREACHABLE   3
#define ICMPV6_UNREACHABLE 1
#define ICMP_HEADER	   8

static __always_inline void mark_unreachable4(struct __sk_buff *skb, __u32 inside)
{
	struct transport_ports ports;
	struct key4 key;
	struct iphdr ip;
	struct insert_hint hint;
	struct flow *f;

	if (!load(skb, inside, &ip, sizeof(ip)) || !load(skb, inside + ip.ihl * 4, &ports, sizeof(ports)))
		return;
	set_key4(&key, ip.saddr, ip.daddr, ports.source, ports.destination, ip.protocol, KEY_CONNECTION);
	f = find4(&key, window.number, &hint);
	if (f)
		f->unreachable = 1;
}

static __always_inline void mark_unreachable6(struct __sk_buff *skb, __u32 inside)
{
	struct transport_ports ports;
	struct ipv6hdr ip;
	struct key6 key;
	struct insert_hint hint;
	struct flow *f;

	if (!load(skb, inside, &ip, sizeof(ip)) || !load(skb, inside + sizeof(ip), &ports, sizeof(ports)))
		return;
	set_key6(&key, ip.saddr.in6_u.u6_addr32, ip.daddr.in6_u.u6_addr32, ports.source, ports.destination, ip.nexthdr,
		 KEY_CONNECTION);
	f = find6(&key, window.number, &hint);
	if (f)
		f->unreachable = 1;
}

/* Marks the flow of this window whose packet is quoted in the ICMP message `s`. */
static __noinline void mark_unreachable(struct __sk_buff *skb, const struct slow_packet *s)
{
	if (s->version == 4 && s->protocol == IPPROTO_ICMP && s->packet.icmp_type == ICMP_UNREACHABLE)
		mark_unreachable4(skb, s->transport + ICMP_HEADER);
	else if (s->version == 6 && s->protocol == IPPROTO_ICMPV6 && s->packet.icmp_type == ICMPV6_UNREACHABLE)
		mark_unreachable6(skb, s->transport + ICMP_HEADER);
}

#endif
