/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Dropped packets, from the tracepoint kfree_skb. */
#ifndef SONDE_DROPS_H
#define SONDE_DROPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "conntrack.h"
#include "flow.h"
#include "flow_health.h"
#include "maps.h"
#include "netns.h"
#include "packet.h"
#include "packet_slow.h"
#include "tunnels.h"

/* Kernel type, reduced to the fields that are read (include/linux/skbuff.h); relocated by CO-RE. */
struct sk_buff___local {
	struct net_device___local *dev;
	struct sock___local *sk;
	unsigned char *head;
	unsigned char *data;
	unsigned int len;
	__u16 protocol;
	__u16 network_header;
	unsigned long _nfct;
} __attribute__((preserve_access_index));

/* Compared by name: values differ between kernels, and some kernels lack some. */
enum skb_drop_reason___local {
	SKB_DROP_REASON_NOT_SPECIFIED,
	SKB_DROP_REASON_NO_SOCKET,
	SKB_DROP_REASON_QUEUE_PURGE,
	SKB_DROP_REASON_TCP_OLD_SEQUENCE,
};

/* A packet read at the tracepoint. */
struct dropped_packet {
	struct key6 key;
	const void *tcp; /* TCP header in kernel memory; NULL if there is none */
	const void *end; /* of the packet by its IP header, without Ethernet padding; NULL if not known */
	__u32 sender;
	__u8 icmp_type, icmp_code;
};

static __always_inline bool read_kernel_memory(void *to, __u32 size, const void *from)
{
	return bpf_probe_read_kernel(to, size, from) == 0;
}

/* Reads the ports, or ICMP type and code, of the transport header at `transport`. */
static __always_inline void read_transport(struct dropped_packet *d, const void *transport, __u8 protocol,
					   struct transport_ports *ports, __u8 *key_kind)
{
	__u8 type[2];

	ports->source = 0;
	ports->destination = 0;
	*key_kind = KEY_CONNECTION;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) {
		read_kernel_memory(ports, sizeof(*ports), transport);
		if (protocol == IPPROTO_TCP)
			d->tcp = transport;
		return;
	}
	if ((protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6) ||
	    !read_kernel_memory(type, sizeof(type), transport))
		return;
	d->icmp_type = type[0];
	d->icmp_code = type[1];
	if (protocol == IPPROTO_ICMP ? type[0] == ICMP_ECHO_REQUEST || type[0] == ICMP_ECHO_REPLY
				     : type[0] == ICMPV6_ECHO_REQUEST || type[0] == ICMPV6_ECHO_REPLY)
		return;
	*key_kind = KEY_ICMP_MESSAGE;
	ports->source = type[0] << 8 | type[1];
	ports->destination = ports->source;
}

static __always_inline bool read_dropped4(struct dropped_packet *d, const void *network)
{
	struct transport_ports ports = {};
	__u32 source[4], destination[4];
	struct iphdr ip;
	__u8 key_kind = KEY_FRAGMENT;

	if (!read_kernel_memory(&ip, sizeof(ip), network) || ip.version != 4)
		return false;
	if (ip.tot_len)
		d->end = network + bpf_ntohs(ip.tot_len);
	if (!(ip.frag_off & bpf_htons(0x1fff)))
		read_transport(d, network + ip.ihl * 4, ip.protocol, &ports, &key_kind);
	map_address(source, ip.saddr);
	map_address(destination, ip.daddr);
	d->sender = set_key6(&d->key, source, destination, ports.source, ports.destination, ip.protocol, key_kind);
	return true;
}

static __always_inline bool read_dropped6(struct dropped_packet *d, const void *network)
{
	struct transport_ports ports;
	struct ipv6hdr ip;
	__u8 key_kind;

	if (!read_kernel_memory(&ip, sizeof(ip), network) || ip.version != 6)
		return false;
	if (ip.payload_len)
		d->end = network + sizeof(ip) + bpf_ntohs(ip.payload_len);
	read_transport(d, network + sizeof(ip), ip.nexthdr, &ports, &key_kind);
	d->sender = set_key6(&d->key, ip.saddr.in6_u.u6_addr32, ip.daddr.in6_u.u6_addr32, ports.source,
			     ports.destination, ip.nexthdr, key_kind);
	return true;
}

/*
 * A packet dropped after NAT belongs to the flow with the original tuple. The packet carries its conntrack entry, even
 * before it is in the table, as with the first packet of a connection.
 */
static __always_inline void undo_translation(struct dropped_packet *d, unsigned long nfct)
{
	struct nf_conn *connection = (void *)(nfct & ~(unsigned long)CT_INFO_MASK);
	unsigned long info = nfct & CT_INFO_MASK;
	struct conntrack_tuple original;
	__u32 initiator;

	if (!connection || (d->key.protocol != IPPROTO_TCP && d->key.protocol != IPPROTO_UDP))
		return;
	if (info != CT_ESTABLISHED && info != CT_NEW && info != CT_ESTABLISHED_REPLY)
		return;
	if (bpf_core_read(&original, sizeof(original), &connection->tuplehash[0].tuple))
		return;
	if (original.source.zero == 2 /* AF_INET */) {
		map_address(original.source.addr, original.source.addr[0]);
		map_address(original.destination.addr, original.destination.addr[0]);
	}
	initiator = set_key6(&d->key, original.source.addr, original.destination.addr, original.source.port,
			     original.destination.port, d->key.protocol, KEY_CONNECTION);
	d->sender = info == CT_ESTABLISHED_REPLY ? !initiator : initiator;
}

/* Compares a drop reason by name; false on kernels that do not have it. */
#define is_reason(reason, name)                                                                                        \
	(bpf_core_enum_value_exists(enum skb_drop_reason___local, name) &&                                             \
	 (reason) == bpf_core_enum_value(enum skb_drop_reason___local, name))

/*
 * ICMP drops without loss: the kernel looks for a ping socket for each echo reply, even if a raw socket, which most
 * programs use, received it.
 */
static __always_inline bool is_harmless_icmp_drop(__u32 reason)
{
	return is_reason(reason, SKB_DROP_REASON_NO_SOCKET) || is_reason(reason, SKB_DROP_REASON_QUEUE_PURGE);
}

/*
 * TCP drops without loss: a closed socket frees received and acknowledged data. A segment without data from before the
 * window is a keepalive (some send one byte: RFC 9293 section 3.8.4) or a late ACK. The last segment of a connection in
 * TIME-WAIT is freed with an unspecified reason after it was processed.
 */
static __always_inline bool is_harmless_tcp_drop(const struct dropped_packet *d, __u32 reason)
{
	__u8 offset_and_flags[2]; /* at byte 12 of the header: RFC 9293, 3.1 */

	if (!d->tcp)
		return false;
	if (is_reason(reason, SKB_DROP_REASON_QUEUE_PURGE))
		return true;
	if (!is_reason(reason, SKB_DROP_REASON_TCP_OLD_SEQUENCE) && !is_reason(reason, SKB_DROP_REASON_NOT_SPECIFIED))
		return false;
	if (!read_kernel_memory(offset_and_flags, sizeof(offset_and_flags), d->tcp + 12) ||
	    offset_and_flags[1] & TCP_SYN)
		return false;
	return d->end <= d->tcp + (offset_and_flags[0] >> 4) * 4 + 1;
}

static __always_inline bool is_harmless_drop(const struct dropped_packet *d, __u32 reason)
{
	switch (d->key.protocol) {
	case IPPROTO_TCP:
		return is_harmless_tcp_drop(d, reason);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return is_harmless_icmp_drop(reason);
	default:
		return false;
	}
}

/* kfree_skb(skb, location, reason): the kernel drops a packet; with a reason since Linux 5.17. */
SEC("raw_tp/kfree_skb")
int sonde_drop(struct bpf_raw_tracepoint_args *context)
{
	struct sk_buff___local *skb = (void *)context->args[0];
	__u32 reason = context->args[2];
	struct dropped_packet d = {};
	struct flow_health *health;
	unsigned char *network, *end;
	struct net_device___local *device;
	struct net___local *netns;
	__u16 protocol;
	bool known;

	if (reason <= 1) /* SKB_NOT_DROPPED_YET, SKB_CONSUMED */
		return 0;
	protocol = BPF_CORE_READ(skb, protocol);
	if (protocol != bpf_htons(ETH_P_IP) && protocol != bpf_htons(ETH_P_IPV6))
		return 0;
	/* A packet that a socket sends has no device before it is routed. */
	device = BPF_CORE_READ(skb, dev);
	netns = device ? BPF_CORE_READ(device, nd_net.net) : BPF_CORE_READ(skb, sk, __sk_common.skc_net.net);
	if (!is_watched_netns(netns))
		return 0;
	network = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	end = BPF_CORE_READ(skb, data) + BPF_CORE_READ(skb, len);
	known = protocol == bpf_htons(ETH_P_IP) ? read_dropped4(&d, network) : read_dropped6(&d, network);
	if (!d.end || d.end > (void *)end)
		d.end = end;
	if (!known || is_harmless_drop(&d, reason))
		return 0;
	if (has_conntrack)
		undo_translation(&d, BPF_CORE_READ(skb, _nfct));
	health = get_flow_health(&d.key);
	if (!health)
		return 0;
	__sync_fetch_and_add(&health->dropped_packets, 1);
	__sync_fetch_and_add(&health->dropped_bytes, (__u64)(d.end - (void *)network));
	health->in_own_netns |= BPF_CORE_READ(netns, ns.inum) == own_netns;
	health->drop_reason = reason;
	health->ifindex = BPF_CORE_READ(device, ifindex);
	health->last = bpf_ktime_get_ns();
	health->sender = d.sender;
	health->icmp_type = d.icmp_type;
	health->icmp_code = d.icmp_code;
	return 0;
}

#endif
