/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Parses the packets that the fast parsers skip: VLAN tags, options and extension headers, fragments, ICMP and other
 * protocols, and tunnels, of which it parses the inner packet.
 */
#ifndef SONDE_PACKET_SLOW_H
#define SONDE_PACKET_SLOW_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "flow.h"
#include "fragments.h"
#include "maps.h"
#include "packet.h"

/* VLAN tags in the frame, outer and inner (IEEE 802.1ad); frames with more are not counted as IP. */
#define MAX_VLAN_TAGS 2

/* RFC 8200 sets no limit to the number of extension headers; real packets have one or two. */
#define MAX_EXTENSION_HEADERS 8

/* RFC 792 and RFC 4443; the kernel's own headers of these do not compile for BPF. */
#define ICMP_ECHO_REPLY	    0
#define ICMP_ECHO_REQUEST   8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY   129

/* Bytes of a TCP header up to its flags. */
#define TCP_FLAGS_END 14

/* State of the parser: too large for the stack of 512 bytes. */
struct slow_packet {
	union {
		struct iphdr ip4;
		struct ipv6hdr ip6;
	};
	__u32 network;	 /* offset of the IP header */
	__u32 transport; /* offset of the transport header */
	__u32 ip_length; /* total length in the IP header; 0 if it does not fit (jumbograms, large offloaded packets) */
	__u32 fragment_id;
	__u8 version;
	__u8 protocol;
	__u8 first_fragment; /* first of several fragments */
	__u8 later_fragment; /* a fragment without transport header */
	__u8 key_kind;
	struct transport_ports ports;
	struct packet packet;
	union {
		struct key4 key4;
		struct key6 key6;
	};
	struct fragment_key fragment;
	__u32 outer[2][4]; /* source and destination of the tunnel */
	__u32 tunnel_id;
};

/* Scratch memory of the parser. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slow_packet);
} slow_scratch SEC(".maps");

/*
 * Offset of the IP header after a link header of `l2` bytes; 0 if there is none. skb->protocol does not show a VLAN tag
 * that the kernel stripped; a tag that is still in the frame is the protocol itself.
 */
static __always_inline __u32 skip_vlan_tags(struct __sk_buff *skb, __u32 l2, __u16 protocol, struct packet *p)
{
	__u16 tag[2]; /* priority and VLAN id; the protocol behind it */

	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if (!load(skb, l2, tag, sizeof(tag)))
			return 0;
		p->vlan = bpf_ntohs(tag[0]) & 0xfff;
		protocol = tag[1];
		l2 += 4;
	}
	return protocol == bpf_htons(ETH_P_IP) || protocol == bpf_htons(ETH_P_IPV6) ? l2 : 0;
}

static __always_inline bool parse_ip4(struct __sk_buff *skb, struct slow_packet *s)
{
	struct iphdr *ip = &s->ip4;

	if (!load(skb, s->network, ip, sizeof(*ip)) || ip->ihl < 5)
		return false;
	s->transport = s->network + ip->ihl * 4;
	s->ip_length = bpf_ntohs(ip->tot_len);
	s->protocol = ip->protocol;
	s->later_fragment = (ip->frag_off & bpf_htons(0x1fff)) != 0;
	s->first_fragment = !s->later_fragment && (ip->frag_off & bpf_htons(0x2000));
	s->fragment_id = ip->id;
	return true;
}

/* Walks the extension headers (RFC 8200 section 4) to the transport header. */
static __always_inline bool parse_ip6(struct __sk_buff *skb, struct slow_packet *s)
{
	__u32 offset = s->network + sizeof(struct ipv6hdr);
	struct ipv6hdr *ip = &s->ip6;
	__u8 next, header[8]; /* next header, length; of a fragment header offset and id */

	if (!load(skb, s->network, ip, sizeof(*ip)))
		return false;
	s->ip_length = ip->payload_len ? bpf_ntohs(ip->payload_len) + sizeof(*ip) : 0;
	s->first_fragment = 0;
	s->later_fragment = 0;
	next = ip->nexthdr;
	for (int i = 0; i < MAX_EXTENSION_HEADERS && !s->later_fragment; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			break;
		if (!load(skb, offset, header, sizeof(header)))
			return false;
		if (next == IPPROTO_FRAGMENT) {
			s->later_fragment = (header[2] | (header[3] & 0xf8)) != 0;
			s->first_fragment = !s->later_fragment && (header[3] & 1);
			__builtin_memcpy(&s->fragment_id, header + 4, 4);
			offset += 8;
		} else if (next == IPPROTO_AH) {
			offset += (header[1] + 2) * 4; /* RFC 4302 section 2.2 */
		} else {
			offset += (header[1] + 1) * 8;
		}
		next = header[0];
	}
	s->transport = offset;
	s->protocol = next;
	return true;
}

static __always_inline bool parse_ip(struct __sk_buff *skb, struct slow_packet *s)
{
	__u8 first;

	if (!load(skb, s->network, &first, 1))
		return false;
	s->version = first >> 4;
	if (s->version == 4)
		return parse_ip4(skb, s);
	return s->version == 6 && parse_ip6(skb, s);
}

static __always_inline bool parse_icmp(struct __sk_buff *skb, struct slow_packet *s)
{
	__u8 type[2]; /* and code */
	bool echo;

	if (!load(skb, s->transport, type, sizeof(type)))
		return false;
	s->packet.icmp_type = type[0];
	s->packet.icmp_code = type[1];
	if (s->protocol == IPPROTO_ICMP)
		echo = type[0] == ICMP_ECHO_REQUEST || type[0] == ICMP_ECHO_REPLY;
	else
		echo = type[0] == ICMPV6_ECHO_REQUEST || type[0] == ICMPV6_ECHO_REPLY;
	if (!echo) {
		s->key_kind = KEY_ICMP_MESSAGE;
		s->ports.source = type[0] << 8 | type[1];
		s->ports.destination = s->ports.source;
	}
	return true;
}

/* Reads the transport header: ports, kind of key, TCP flags, ICMP type and code. */
static __always_inline bool parse_transport(struct __sk_buff *skb, struct slow_packet *s)
{
	struct tcphdr tcp;

	s->ports.source = 0;
	s->ports.destination = 0;
	s->key_kind = KEY_CONNECTION;
	s->packet.tcp_flags = 0;
	s->packet.sequence = 0;
	s->packet.icmp_type = 0;
	s->packet.icmp_code = 0;
	s->packet.payload = s->transport;
	if (s->later_fragment) {
		s->packet.payload = skb->len; /* Not the beginning of the payload. */
		return true;
	}

	switch (s->protocol) {
	case IPPROTO_TCP:
		if (!load(skb, s->transport, &tcp, TCP_FLAGS_END))
			return false;
		s->packet.tcp_flags = ((const __u8 *)&tcp)[13];
		s->packet.payload = tcp_payload(s->transport, ((const __u8 *)&tcp)[12]);
		s->packet.sequence = bpf_ntohl(tcp.seq);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		s->packet.payload = s->transport + sizeof(struct udphdr);
		break;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return parse_icmp(skb, s);
	default:
		return true;
	}
	return load(skb, s->transport, &s->ports, sizeof(s->ports));
}

/* Gives later fragments the ports of the first one. */
static __always_inline void join_fragments(struct slow_packet *s)
{
	struct fragment_ports *known;

	if (!s->first_fragment && !s->later_fragment)
		return;
	__builtin_memset(&s->fragment, 0, sizeof(s->fragment));
	if (s->version == 4) {
		s->fragment.addr[0][0] = s->ip4.saddr;
		s->fragment.addr[1][0] = s->ip4.daddr;
	} else {
		copy6(s->fragment.addr[0], s->ip6.saddr.in6_u.u6_addr32);
		copy6(s->fragment.addr[1], s->ip6.daddr.in6_u.u6_addr32);
	}
	s->fragment.id = s->fragment_id;
	s->fragment.protocol = s->protocol;
	if (s->first_fragment) {
		struct fragment_ports ports = {s->ports.source, s->ports.destination, s->key_kind};

		bpf_map_update_elem(&fragments, &s->fragment, &ports, BPF_ANY);
		return;
	}
	known = bpf_map_lookup_elem(&fragments, &s->fragment);
	if (known) {
		s->ports.source = known->source;
		s->ports.destination = known->destination;
		s->key_kind = known->key_kind;
	} else {
		s->key_kind = KEY_FRAGMENT;
		add_counter(COUNTER_FRAGMENTS_UNMATCHED, 1);
	}
}

/* Offset of the IP header in a VXLAN or Geneve packet; 0 if there is none. */
static __always_inline __u32 parse_udp_tunnel(struct __sk_buff *skb, struct slow_packet *s)
{
	__u32 header = s->transport + sizeof(struct udphdr);
	__u8 h[8];
	__u16 protocol;

	if (!load(skb, header, h, sizeof(h)))
		return 0;
	s->tunnel_id = h[4] << 16 | h[5] << 8 | h[6];
	if (s->ports.destination == bpf_htons(PORT_GENEVE)) {
		s->packet.tunnel = TUNNEL_GENEVE;
		header += 8 + (h[0] & 0x3f) * 4;
		protocol = bpf_htons(h[2] << 8 | h[3]);
		if (protocol != bpf_htons(0x6558)) /* IP without Ethernet */
			return protocol == bpf_htons(ETH_P_IP) || protocol == bpf_htons(ETH_P_IPV6) ? header : 0;
	} else {
		s->packet.tunnel = TUNNEL_VXLAN;
		header += 8;
		if (!(h[0] & 0x08)) /* no valid VNI: not VXLAN */
			return 0;
	}
	if (!load(skb, header + 12, &protocol, sizeof(protocol)))
		return 0;
	return skip_vlan_tags(skb, header + ETH_HLEN, protocol, &s->packet);
}

/* Moves on to the inner packet of a tunnel and records the outer addresses. Returns false if there is no tunnel. */
static __always_inline bool decapsulate(struct __sk_buff *skb, struct slow_packet *s)
{
	__u32 inside = 0;

	if (s->later_fragment || s->first_fragment)
		return false;
	if (s->protocol == IPPROTO_IPIP || s->protocol == IPPROTO_IPV6) {
		s->packet.tunnel = TUNNEL_IP;
		s->tunnel_id = 0;
		inside = s->transport;
	} else if (s->protocol == IPPROTO_UDP && load(skb, s->transport, &s->ports, sizeof(s->ports)) &&
		   is_tunnel_port(s->ports.destination)) {
		inside = parse_udp_tunnel(skb, s);
	}
	if (!inside) {
		s->packet.tunnel = TUNNEL_NONE;
		return false;
	}
	__builtin_memset(s->outer, 0, sizeof(s->outer));
	if (s->version == 4) {
		s->outer[0][2] = s->outer[1][2] = bpf_htonl(0xffff);
		s->outer[0][3] = s->ip4.saddr;
		s->outer[1][3] = s->ip4.daddr;
	} else {
		copy6(s->outer[0], s->ip6.saddr.in6_u.u6_addr32);
		copy6(s->outer[1], s->ip6.daddr.in6_u.u6_addr32);
	}
	s->network = inside;
	return true;
}

/*
 * Parses the packet after a link header of `l2` bytes. Returns NULL, and counts the reason, if it is not IP or
 * malformed.
 */
static __noinline struct slow_packet *parse_slow(struct __sk_buff *skb, __u32 l2)
{
	__u32 zero = 0;
	struct slow_packet *s = bpf_map_lookup_elem(&slow_scratch, &zero);

	if (!s)
		return NULL;
	s->packet.vlan = 0;
	s->packet.tunnel = TUNNEL_NONE;
	s->network = skip_vlan_tags(skb, l2, skb->protocol, &s->packet);
	if (!s->network &&
	    !(l2 == 0 && (skb->protocol == bpf_htons(ETH_P_IP) || skb->protocol == bpf_htons(ETH_P_IPV6)))) {
		add_counter(COUNTER_PACKETS_NOT_IP, 1);
		return NULL;
	}
	if (!parse_ip(skb, s) || (decapsulate(skb, s) && !parse_ip(skb, s)) || !parse_transport(skb, s)) {
		add_counter(COUNTER_PACKETS_MALFORMED, 1);
		return NULL;
	}
	join_fragments(s);
	set_lengths(skb, &s->packet, s->network, s->ip_length);
	wire_size(skb, &s->packet, s->network);
	if (s->version == 4)
		s->packet.sender = set_key4(&s->key4, s->ip4.saddr, s->ip4.daddr, s->ports.source, s->ports.destination,
					    s->protocol, s->key_kind);
	else
		s->packet.sender = set_key6(&s->key6, s->ip6.saddr.in6_u.u6_addr32, s->ip6.daddr.in6_u.u6_addr32,
					    s->ports.source, s->ports.destination, s->protocol, s->key_kind);
	return s;
}

#endif
