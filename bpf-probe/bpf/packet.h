/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Parses a frame into a key and a struct packet. parse4_fast() and parse6_fast() read nearly all traffic in place;
 * parse_slow() reads the rest field by field.
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

/* RFC 9293 section 3.1 */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Hook that a program is attached to; a constant in each program. */
enum hook {
	HOOK_INGRESS = 1 << 0, /* of the host's end: what a pod sends, or what an uplink receives */
	HOOK_POD = 1 << 1,     /* behind the interface is a pod, so one of the ends is local */
};

/* A parsed packet, without its key. */
struct packet {
	__u32 bytes;   /* on the wire, from the IP header on; see wire_size() */
	__u32 packets; /* on the wire */
	__u32 sender;  /* the sender's side in the key */
	__u32 payload; /* offset of what follows the transport header in the frame */
	__u32 payload_length;
	__u32 sequence; /* of TCP; host byte order */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 tunnel; /* enum tunnel_kind */
	__u16 vlan;  /* of a tag that is in the frame itself */
	__u16 zero;
};

static __always_inline bool load(struct __sk_buff *skb, __u32 offset, void *to, __u32 size)
{
	return bpf_skb_load_bytes(skb, offset, to, size) == 0;
}

/* Fills in `key` in canonical order and returns the sender's side. */
static __always_inline __u32 set_key4(struct key4 *key, __u32 source, __u32 destination, __u16 source_port,
				      __u16 destination_port, __u8 protocol, __u8 key_kind)
{
	__u32 sender = source_port > destination_port || (source_port == destination_port && source > destination);

	key->addr[0] = sender ? destination : source;
	key->addr[1] = sender ? source : destination;
	key->port[0] = sender ? destination_port : source_port;
	key->port[1] = sender ? source_port : destination_port;
	key->protocol = protocol;
	key->key_kind = key_kind;
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
				      __u16 source_port, __u16 destination_port, __u8 protocol, __u8 key_kind)
{
	__u32 sender =
		source_port > destination_port || (source_port == destination_port && after6(source, destination));

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
	key->key_kind = key_kind;
	key->zero = 0;
	return sender;
}

/*
 * Sets the packet's length and that of its payload from the IP header: behind a short packet follows Ethernet padding.
 * `ip_length` is 0 if it does not fit into the header (jumbograms, large offloaded packets).
 */
static __always_inline void set_lengths(const struct __sk_buff *skb, struct packet *p, __u32 network, __u32 ip_length)
{
	__u32 present = skb->len - network, header = p->payload - network;

	p->bytes = ip_length && ip_length < present ? ip_length : present;
	p->payload_length = p->bytes > header ? p->bytes - header : 0;
}

/*
 * Packets and bytes as they are on the wire. The kernel passes several TCP segments (or UDP datagrams) of one
 * connection as one large packet and cuts it later (GSO), or joined it on arrival (GRO); on the wire each carries
 * the headers from `network` to p->payload.
 */
static __always_inline void wire_size(const struct __sk_buff *skb, struct packet *p, __u32 network)
{
	__u32 segments = skb->gso_segs;

	/* The host of a virtual machine may not set the number of segments. */
	if (!segments && skb->gso_size)
		segments = (p->payload_length + skb->gso_size - 1) / skb->gso_size;
	p->packets = 1;
	if (segments > 1) {
		p->packets = segments;
		p->bytes += (segments - 1) * (p->payload - network);
	}
}

/* Payload offset, from the TCP data offset in the upper half of `offset_byte`. */
static __always_inline __u32 tcp_payload(__u32 transport, __u8 offset_byte)
{
	return transport + (offset_byte >> 4) * 4;
}

struct transport_ports {
	__u16 source;
	__u16 destination;
};

/* UDP ports of tunnels: VXLAN by IANA and by Linux before it was assigned, and Geneve. */
#define PORT_VXLAN	 4789
#define PORT_VXLAN_LINUX 8472
#define PORT_GENEVE	 6081

static __always_inline bool is_tunnel_port(__u16 port)
{
	return port == bpf_htons(PORT_VXLAN) || port == bpf_htons(PORT_VXLAN_LINUX) || port == bpf_htons(PORT_GENEVE);
}

/*
 * Reads the header of TCP or UDP at `header`, which is `offset` bytes into the frame and ends before `end`. Returns
 * false for other protocols, for tunnels, and where the header is not completely in the packet's linear part. The
 * caller checks that the ports are there.
 */
static __always_inline bool parse_transport_fast(void *header, void *end, __u32 offset, __u8 protocol, struct packet *p)
{
	const struct transport_ports *ports = header;
	const __u8 *tcp = header;

	p->tunnel = TUNNEL_NONE;
	p->vlan = 0;
	p->tcp_flags = 0;
	p->sequence = 0;
	if (protocol == IPPROTO_UDP && !is_tunnel_port(ports->destination)) {
		p->payload = offset + sizeof(struct udphdr);
		return true;
	}
	if (protocol != IPPROTO_TCP || (void *)(tcp + sizeof(struct tcphdr)) > end)
		return false;
	p->tcp_flags = tcp[13];
	p->payload = tcp_payload(offset, tcp[12]);
	p->sequence = bpf_ntohl(((const struct tcphdr *)header)->seq);
	return true;
}

/*
 * Reads TCP and UDP over an IPv4 header without options, unfragmented, when the headers lie in the packet's linear
 * part. Returns false for any other packet, which parse_slow() then reads. `l2` is the length of the link header.
 */
static __always_inline bool parse4_fast(struct __sk_buff *skb, __u32 l2, struct key4 *key, struct packet *p)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + l2;
	struct transport_ports *ports = (void *)(ip + 1);

	if ((void *)(ip + 1) + sizeof(struct udphdr) > end)
		return false;
	/* Version 4, five words of header; no more fragments and no offset. */
	if (*(__u8 *)ip != 0x45 || (ip->frag_off & bpf_htons(0x3fff)))
		return false;
	if (!parse_transport_fast(ports, end, l2 + sizeof(*ip), ip->protocol, p))
		return false;
	set_lengths(skb, p, l2, bpf_ntohs(ip->tot_len));
	wire_size(skb, p, l2);
	p->sender =
		set_key4(key, ip->saddr, ip->daddr, ports->source, ports->destination, ip->protocol, KEY_CONNECTION);
	return true;
}

/* The same for TCP and UDP that follow the IPv6 header directly. */
static __always_inline bool parse6_fast(struct __sk_buff *skb, __u32 l2, struct key6 *key, struct packet *p)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip = data + l2;
	struct transport_ports *ports = (void *)(ip + 1);

	if ((void *)(ip + 1) + sizeof(struct udphdr) > end)
		return false;
	if (ip->version != 6 || !parse_transport_fast(ports, end, l2 + sizeof(*ip), ip->nexthdr, p))
		return false;
	set_lengths(skb, p, l2, ip->payload_len ? bpf_ntohs(ip->payload_len) + sizeof(*ip) : 0);
	wire_size(skb, p, l2);
	p->sender = set_key6(key, ip->saddr.in6_u.u6_addr32, ip->daddr.in6_u.u6_addr32, ports->source,
			     ports->destination, ip->nexthdr, KEY_CONNECTION);
	return true;
}

#endif
