/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * From bytes to struct packet and key. parse4_fast() and parse6_fast() read the packets that make up nearly all
 * traffic in place; parse_slow() reads every other one field by field.
 */
#ifndef SONDE_PACKET_H
#define SONDE_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "flow.h"

/* RFC 792 and RFC 4443; the kernel's own headers of these do not compile for BPF. */
#define ICMP_ECHO_REPLY	   0
#define ICMP_ECHO_REQUEST   8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY   129

/* RFC 9293 section 3.1 */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Frames up to this long may carry padding behind the IP packet (IEEE 802.3, without the checksum). */
#define ETHERNET_MIN_FRAME 60

/* RFC 8200 sets no limit to the number of extension headers; real packets have one or two. */
#define MAX_EXTENSION_HEADERS 8

/* What counting needs to know of a packet besides its key. */
struct packet {
	__u32 bytes;   /* on the wire, from the IP header on; see wire_size() */
	__u32 packets; /* on the wire */
	__u32 sender;  /* the sender's side in the key */
	__u32 payload; /* offset of the transport payload in the frame */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 family; /* 4 or 6 */
};

/* Fills in `key` in canonical order and returns the sender's side. */
static __always_inline __u32 set_key4(struct key4 *key, __u32 source, __u32 destination, __u16 source_port,
				      __u16 destination_port, __u8 protocol, __u8 bucket)
{
	__u32 sender = source_port > destination_port ||
		       (source_port == destination_port && source > destination);

	key->addr[0] = sender ? destination : source;
	key->addr[1] = sender ? source : destination;
	key->port[0] = sender ? destination_port : source_port;
	key->port[1] = sender ? source_port : destination_port;
	key->protocol = protocol;
	key->bucket = bucket;
	key->zero = 0;
	return sender;
}

/* True when the IPv6 address at `a` comes after the one at `b` in canonical order. */
static __always_inline bool after6(const __u32 *a, const __u32 *b)
{
#pragma unroll
	for (int i = 0; i < 4; i++) {
		if (a[i] != b[i])
			return a[i] > b[i];
	}
	return false;
}

static __always_inline void copy6(__u32 *to, const __u32 *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

static __always_inline __u32 set_key6(struct key6 *key, const __u32 *source, const __u32 *destination,
				      __u16 source_port, __u16 destination_port, __u8 protocol,
				      __u8 bucket)
{
	__u32 sender = source_port > destination_port ||
		       (source_port == destination_port && after6(source, destination));

	if (sender) {
		copy6(key->addr[0], destination);
		copy6(key->addr[1], source);
		key->port[0] = destination_port;
		key->port[1] = source_port;
	} else {
		copy6(key->addr[0], source);
		copy6(key->addr[1], destination);
		key->port[0] = source_port;
		key->port[1] = destination_port;
	}
	key->protocol = protocol;
	key->bucket = bucket;
	key->zero = 0;
	return sender;
}

/*
 * Packets and bytes as they are on the wire. The kernel passes several TCP segments (or UDP datagrams) of one
 * connection as one large packet and cuts it later (GSO), or joined it on arrival (GRO); on the wire each carries
 * the headers from `network` to p->payload.
 */
static __always_inline void wire_size(const struct __sk_buff *skb, struct packet *p, __u32 network)
{
	__u32 segments = skb->gso_segs;

	p->packets = 1;
	if (segments > 1) {
		p->packets = segments;
		p->bytes += (segments - 1) * (p->payload - network);
	}
}

/* Payload offset from the TCP header's data offset, which is in the high half of `offset_byte`. */
static __always_inline __u32 tcp_payload(__u32 transport, __u8 offset_byte)
{
	return transport + (offset_byte >> 4) * 4;
}

struct transport_ports {
	__u16 source;
	__u16 destination;
};

/*
 * Reads TCP and UDP over an IPv4 header without options, unfragmented, when the headers lie in the packet's linear
 * part. Returns false, having decided nothing, for any other packet. `l2` is the length of the link header.
 */
static __always_inline bool parse4_fast(struct __sk_buff *skb, __u32 l2, struct key4 *key, struct packet *p)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + l2;
	struct transport_ports *ports = (void *)(ip + 1);
	__u8 protocol;

	if ((void *)(ip + 1) + sizeof(struct udphdr) > end)
		return false;
	/* Version 4, five words of header; no more fragments and no offset. */
	if (*(__u8 *)ip != 0x45 || (ip->frag_off & bpf_htons(0x3fff)))
		return false;

	protocol = ip->protocol;
	p->tcp_flags = 0;
	if (protocol == IPPROTO_TCP) {
		__u8 *tcp = (void *)(ip + 1);

		if ((void *)(tcp + sizeof(struct tcphdr)) > end)
			return false;
		p->tcp_flags = tcp[13];
		p->payload = tcp_payload(l2 + sizeof(*ip), tcp[12]);
	} else if (protocol == IPPROTO_UDP) {
		p->payload = l2 + sizeof(*ip) + sizeof(struct udphdr);
	} else {
		return false;
	}

	p->bytes = skb->len - l2;
	if (skb->len <= ETHERNET_MIN_FRAME)
		p->bytes = bpf_ntohs(ip->tot_len);
	wire_size(skb, p, l2);
	p->sender = set_key4(key, ip->saddr, ip->daddr, ports->source, ports->destination, protocol, BUCKET_NONE);
	return true;
}

/* The same for TCP and UDP that follow the IPv6 header directly. */
static __always_inline bool parse6_fast(struct __sk_buff *skb, __u32 l2, struct key6 *key, struct packet *p)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + l2;
	struct transport_ports *ports = (void *)(ip + 1);
	__u8 protocol;

	if ((void *)(ip + 1) + sizeof(struct udphdr) > end)
		return false;
	if (ip->version != 6)
		return false;

	protocol = ip->nexthdr;
	p->tcp_flags = 0;
	if (protocol == IPPROTO_TCP) {
		__u8 *tcp = (void *)(ip + 1);

		if ((void *)(tcp + sizeof(struct tcphdr)) > end)
			return false;
		p->tcp_flags = tcp[13];
		p->payload = tcp_payload(l2 + sizeof(*ip), tcp[12]);
	} else if (protocol == IPPROTO_UDP) {
		p->payload = l2 + sizeof(*ip) + sizeof(struct udphdr);
	} else {
		return false;
	}

	p->bytes = skb->len - l2;
	wire_size(skb, p, l2);
	p->sender = set_key6(key, ip->saddr.in6_u.u6_addr32, ip->daddr.in6_u.u6_addr32, ports->source,
			     ports->destination, protocol, BUCKET_NONE);
	return true;
}

/* The network layer as parse_slow() found it. */
struct network {
	__u32 start;	 /* offset of the IP header */
	__u32 transport; /* offset behind it and its options */
	__u32 bytes;	 /* length that the header tells; 0 if it does not fit (jumbograms) */
	__u8 protocol;
	__u8 later_fragment; /* not the first fragment: no transport header */
};

static __always_inline bool load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(skb, offset, to, size) == 0;
}

static __always_inline bool parse_ip4(struct __sk_buff *skb, __u32 start, struct network *n, struct iphdr *ip)
{
	if (!load(skb, start, ip, sizeof(*ip)) || ip->version != 4 || ip->ihl < 5)
		return false;
	n->start = start;
	n->transport = start + ip->ihl * 4;
	n->bytes = bpf_ntohs(ip->tot_len);
	n->protocol = ip->protocol;
	n->later_fragment = (ip->frag_off & bpf_htons(0x1fff)) != 0;
	return true;
}

/* Walks the extension headers (RFC 8200 section 4) to the transport header. */
static __always_inline bool parse_ip6(struct __sk_buff *skb, __u32 start, struct network *n, struct ipv6hdr *ip)
{
	__u8 next;
	__u32 offset = start + sizeof(*ip);

	if (!load(skb, start, ip, sizeof(*ip)) || ip->version != 6)
		return false;
	n->start = start;
	n->bytes = ip->payload_len ? bpf_ntohs(ip->payload_len) + sizeof(*ip) : 0;
	n->later_fragment = 0;
	next = ip->nexthdr;
	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		__u8 header[4]; /* next header, length, and of a fragment header the offset */

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			break;
		if (!load(skb, offset, header, sizeof(header)))
			return false;
		if (next == IPPROTO_FRAGMENT) {
			n->later_fragment = (header[2] | (header[3] & 0xf8)) != 0;
			offset += 8;
		} else if (next == IPPROTO_AH) {
			offset += (header[1] + 2) * 4; /* RFC 4302 section 2.2 */
		} else {
			offset += (header[1] + 1) * 8;
		}
		next = header[0];
		if (n->later_fragment)
			break;
	}
	n->transport = offset;
	n->protocol = next;
	return true;
}

/* What the transport header tells: the key's ports and bucket, and the packet's flags and types. */
static __always_inline bool parse_transport(struct __sk_buff *skb, const struct network *n, struct packet *p,
					    struct transport_ports *ports, __u8 *bucket)
{
	__u8 bytes[14];

	ports->source = 0;
	ports->destination = 0;
	*bucket = BUCKET_NONE;
	p->tcp_flags = 0;
	p->payload = n->transport;
	if (n->later_fragment) {
		*bucket = BUCKET_FRAGMENT;
		return true;
	}

	switch (n->protocol) {
	case IPPROTO_TCP:
		if (!load(skb, n->transport, bytes, 14))
			return false;
		p->tcp_flags = bytes[13];
		p->payload = tcp_payload(n->transport, bytes[12]);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		p->payload = n->transport + sizeof(struct udphdr);
		break;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (!load(skb, n->transport, bytes, 2))
			return false;
		p->icmp_type = bytes[0];
		p->icmp_code = bytes[1];
		if (bytes[0] == (n->protocol == IPPROTO_ICMP ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST) ||
		    bytes[0] == (n->protocol == IPPROTO_ICMP ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY))
			return true;
		*bucket = BUCKET_ICMP_MESSAGE;
		ports->source = bytes[0] << 8 | bytes[1];
		ports->destination = ports->source;
		return true;
	default:
		return true;
	}
	return load(skb, n->transport, ports, sizeof(*ports));
}

/* The frame's length from the IP header on, without what pads a short frame. */
static __always_inline __u32 ip_bytes(struct __sk_buff *skb, const struct network *n)
{
	__u32 present = skb->len - n->start;

	return skb->len <= ETHERNET_MIN_FRAME && n->bytes && n->bytes < present ? n->bytes : present;
}

/*
 * Reads any IP packet whose IP header is at `start`. Fills the key of the family that it returns, 4 or 6; 0 if the
 * packet is malformed.
 */
static __always_inline int parse_slow(struct __sk_buff *skb, __u32 start, struct key4 *key4, struct key6 *key6,
				      struct packet *p)
{
	struct network n = {};
	struct transport_ports ports;
	__u8 version, bucket;

	p->icmp_type = 0;
	p->icmp_code = 0;
	if (!load(skb, start, &version, 1))
		return 0;
	if (version >> 4 == 4) {
		struct iphdr ip;

		if (!parse_ip4(skb, start, &n, &ip) || !parse_transport(skb, &n, p, &ports, &bucket))
			return 0;
		p->bytes = ip_bytes(skb, &n);
		wire_size(skb, p, start);
		p->sender = set_key4(key4, ip.saddr, ip.daddr, ports.source, ports.destination, n.protocol, bucket);
		return 4;
	}
	if (version >> 4 == 6) {
		struct ipv6hdr ip;

		if (!parse_ip6(skb, start, &n, &ip) || !parse_transport(skb, &n, p, &ports, &bucket))
			return 0;
		p->bytes = ip_bytes(skb, &n);
		wire_size(skb, p, start);
		p->sender = set_key6(key6, ip.saddr.in6_u.u6_addr32, ip.daddr.in6_u.u6_addr32, ports.source,
				     ports.destination, n.protocol, bucket);
		return 6;
	}
	return 0;
}

#endif
