/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What goes wrong with packets after or before they are counted: the kernel drops them, or TCP sends them again. Both
 * are seen at tracepoints and kept in maps of their own, which user space joins with the flows.
 */
#ifndef SONDE_TROUBLES_H
#define SONDE_TROUBLES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "conntrack.h"
#include "flow.h"
#include "maps.h"
#include "packet.h"
#include "tunnels.h"

struct troubles {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct key6);
	__type(value, struct trouble);
};

/* Two sets by the window's number, as with the flow maps. */
struct troubles troubles_even SEC(".maps"), troubles_odd SEC(".maps");

/* The network namespace that the probe works in (its inode number). */
const volatile __u32 own_netns = 0;

/* The kernel's structures, as far as they are read (include/linux/skbuff.h and others); CO-RE finds the fields. */
struct net___local {
	struct {
		unsigned int inum;
	} ns;
} __attribute__((preserve_access_index));

struct net_device___local {
	int ifindex;
	struct {
		struct net___local *net;
	} nd_net;
} __attribute__((preserve_access_index));

struct sk_buff___local {
	struct net_device___local *dev;
	unsigned char *head;
	unsigned char *data;
	unsigned int len;
	__u16 protocol;
	__u16 network_header;
	unsigned long _nfct;
} __attribute__((preserve_access_index));

/* Reasons by name: their numbers differ between kernels, and not every kernel has each. */
enum skb_drop_reason___local {
	SKB_DROP_REASON_NOT_SPECIFIED,
	SKB_DROP_REASON_NO_SOCKET,
	SKB_DROP_REASON_QUEUE_PURGE,
	SKB_DROP_REASON_TCP_OLD_SEQUENCE,
};

struct in6_addr___local {
	__u32 word[4];
};

struct sock_common___local {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	struct in6_addr___local skc_v6_daddr;
	struct in6_addr___local skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock___local {
	struct sock_common___local __sk_common;
} __attribute__((preserve_access_index));

static __always_inline struct trouble *find_trouble(const struct key6 *key)
{
	static const struct trouble none;
	bool odd = window.number & 1;
	struct trouble *trouble;

	trouble = odd ? bpf_map_lookup_elem(&troubles_odd, key) : bpf_map_lookup_elem(&troubles_even, key);
	if (trouble)
		return trouble;
	if (odd) {
		bpf_map_update_elem(&troubles_odd, key, &none, BPF_NOEXIST);
		trouble = bpf_map_lookup_elem(&troubles_odd, key);
	} else {
		bpf_map_update_elem(&troubles_even, key, &none, BPF_NOEXIST);
		trouble = bpf_map_lookup_elem(&troubles_even, key);
	}
	if (!trouble)
		count(COUNTER_LOST_TROUBLES_MAP_FULL, 1);
	return trouble;
}

/* An IP packet as far as a tracepoint can tell its flow. */
struct dropped {
	struct key6 key;
	const void *tcp; /* its TCP header in the kernel; NULL if it has none */
	__u32 sender;
	__u8 icmp_type, icmp_code;
};

static __always_inline bool read_kernel(void *to, __u32 size, const void *from)
{
	return bpf_probe_read_kernel(to, size, from) == 0;
}

/* Ports, or type and code, of the transport header at `transport`. */
static __always_inline void read_transport(struct dropped *d, const void *transport, __u8 protocol,
					   struct transport_ports *ports, __u8 *bucket)
{
	__u8 type[2];

	ports->source = 0;
	ports->destination = 0;
	*bucket = BUCKET_NONE;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) {
		read_kernel(ports, sizeof(*ports), transport);
		if (protocol == IPPROTO_TCP)
			d->tcp = transport;
		return;
	}
	if ((protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6) || !read_kernel(type, sizeof(type), transport))
		return;
	d->icmp_type = type[0];
	d->icmp_code = type[1];
	if (protocol == IPPROTO_ICMP ? type[0] == ICMP_ECHO_REQUEST || type[0] == ICMP_ECHO_REPLY
				     : type[0] == ICMPV6_ECHO_REQUEST || type[0] == ICMPV6_ECHO_REPLY)
		return;
	*bucket = BUCKET_ICMP_MESSAGE;
	ports->source = type[0] << 8 | type[1];
	ports->destination = ports->source;
}

static __always_inline bool read_dropped4(struct dropped *d, const void *network)
{
	struct transport_ports ports = {};
	__u32 source[4], destination[4];
	struct iphdr ip;
	__u8 bucket = BUCKET_FRAGMENT;

	if (!read_kernel(&ip, sizeof(ip), network) || ip.version != 4)
		return false;
	if (!(ip.frag_off & bpf_htons(0x1fff)))
		read_transport(d, network + ip.ihl * 4, ip.protocol, &ports, &bucket);
	map_address(source, ip.saddr);
	map_address(destination, ip.daddr);
	d->sender = set_key6(&d->key, source, destination, ports.source, ports.destination, ip.protocol, bucket);
	return true;
}

static __always_inline bool read_dropped6(struct dropped *d, const void *network)
{
	struct transport_ports ports;
	struct ipv6hdr ip;
	__u8 bucket;

	if (!read_kernel(&ip, sizeof(ip), network) || ip.version != 6)
		return false;
	read_transport(d, network + sizeof(ip), ip.nexthdr, &ports, &bucket);
	d->sender = set_key6(&d->key, ip.saddr.in6_u.u6_addr32, ip.daddr.in6_u.u6_addr32, ports.source,
			     ports.destination, ip.nexthdr, bucket);
	return true;
}

/*
 * A packet dropped after its destination was translated belongs to the flow that the client sent, which the packet's
 * own conntrack entry tells, even when it is not in conntrack's table because its first packet never got through.
 */
static __always_inline void undo_translation(struct dropped *d, unsigned long nfct)
{
	struct nf_conn *connection = (void *)(nfct & ~(unsigned long)CT_INFO_MASK);
	unsigned long info = nfct & CT_INFO_MASK;
	struct conntrack_tuple original;
	__u32 opener;

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
	opener = set_key6(&d->key, original.source.addr, original.destination.addr, original.source.port,
			  original.destination.port, d->key.protocol, BUCKET_NONE);
	d->sender = info == CT_ESTABLISHED_REPLY ? !opener : opener;
}

/* Whether a drop's reason is the one of this name; never on kernels that have none of it. */
#define is_reason(reason, name)                                        \
	(bpf_core_enum_value_exists(enum skb_drop_reason___local, name) && \
	 (reason) == bpf_core_enum_value(enum skb_drop_reason___local, name))

/*
 * Whether nothing was lost by a drop of ICMP. The kernel looks for a ping socket for each answer to an echo, also when a
 * raw socket, as most programs use, has had it.
 */
static __always_inline bool icmp_lost_nothing(__u32 reason)
{
	return is_reason(reason, SKB_DROP_REASON_NO_SOCKET) || is_reason(reason, SKB_DROP_REASON_QUEUE_PURGE);
}

/*
 * Whether nothing was lost by a drop of TCP. A socket that is closed lets go of what had arrived and is acknowledged.
 * A segment without data from before the window asks whether this end is still there (keepalive, which some send with
 * one byte: RFC 9293, 3.8.4), or acknowledges late; and one that ends a connection whose other end is in TIME-WAIT is
 * let go of for a reason that the kernel does not specify, when it has done its work.
 */
static __always_inline bool tcp_lost_nothing(const struct dropped *d, struct sk_buff___local *skb, __u32 reason)
{
	__u8 offset_and_flags[2]; /* at byte 12 of the header: RFC 9293, 3.1 */

	if (!d->tcp)
		return false;
	if (is_reason(reason, SKB_DROP_REASON_QUEUE_PURGE))
		return true;
	if (!is_reason(reason, SKB_DROP_REASON_TCP_OLD_SEQUENCE) && !is_reason(reason, SKB_DROP_REASON_NOT_SPECIFIED))
		return false;
	if (!read_kernel(offset_and_flags, sizeof(offset_and_flags), d->tcp + 12) ||
	    offset_and_flags[1] & TCP_SYN)
		return false;
	return (void *)BPF_CORE_READ(skb, data) + BPF_CORE_READ(skb, len) <=
	       d->tcp + (offset_and_flags[0] >> 4) * 4 + 1;
}

static __always_inline bool lost_nothing(const struct dropped *d, struct sk_buff___local *skb, __u32 reason)
{
	switch (d->key.protocol) {
	case IPPROTO_TCP:
		return tcp_lost_nothing(d, skb, reason);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return icmp_lost_nothing(reason);
	default:
		return false;
	}
}

/* kfree_skb(skb, location, reason): the kernel drops a packet, since Linux 5.17 with the reason. */
SEC("raw_tp/kfree_skb")
int sonde_drop(struct bpf_raw_tracepoint_args *context)
{
	struct sk_buff___local *skb = (void *)context->args[0];
	__u32 reason = context->args[2];
	struct dropped d = {};
	struct trouble *trouble;
	struct net_device___local *device;
	unsigned char *network;
	__u16 protocol;
	bool known;

	if (reason <= 1) /* not dropped yet; consumed */
		return 0;
	protocol = BPF_CORE_READ(skb, protocol);
	if (protocol != bpf_htons(ETH_P_IP) && protocol != bpf_htons(ETH_P_IPV6))
		return 0;
	network = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	known = protocol == bpf_htons(ETH_P_IP) ? read_dropped4(&d, network) : read_dropped6(&d, network);
	if (!known || lost_nothing(&d, skb, reason))
		return 0;
	if (has_conntrack)
		undo_translation(&d, BPF_CORE_READ(skb, _nfct));
	trouble = find_trouble(&d.key);
	if (!trouble)
		return 0;
	__sync_fetch_and_add(&trouble->dropped_packets, 1);
	__sync_fetch_and_add(&trouble->dropped_bytes,
			     (__u64)(BPF_CORE_READ(skb, data) + BPF_CORE_READ(skb, len) - network));
	device = BPF_CORE_READ(skb, dev);
	trouble->here |= device && BPF_CORE_READ(device, nd_net.net, ns.inum) == own_netns;
	trouble->drop_reason = reason;
	trouble->ifindex = BPF_CORE_READ(device, ifindex);
	trouble->last = bpf_ktime_get_ns();
	trouble->sender = d.sender;
	trouble->icmp_type = d.icmp_type;
	trouble->icmp_code = d.icmp_code;
	return 0;
}

/* tcp_retransmit_skb(sk, skb): a socket on this machine sends a segment again. */
SEC("raw_tp/tcp_retransmit_skb")
int sonde_retransmit(struct bpf_raw_tracepoint_args *context)
{
	struct sock___local *socket = (void *)context->args[0];
	__u16 local_port = bpf_htons(BPF_CORE_READ(socket, __sk_common.skc_num));
	__u16 remote_port = BPF_CORE_READ(socket, __sk_common.skc_dport);
	__u32 local[4], remote[4];
	struct trouble *trouble;
	struct key6 key;

	if (BPF_CORE_READ(socket, __sk_common.skc_family) == 2 /* AF_INET */) {
		map_address(local, BPF_CORE_READ(socket, __sk_common.skc_rcv_saddr));
		map_address(remote, BPF_CORE_READ(socket, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&local, socket, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&remote, socket, __sk_common.skc_v6_daddr);
	}
	set_key6(&key, local, remote, local_port, remote_port, IPPROTO_TCP, BUCKET_NONE);
	trouble = find_trouble(&key);
	if (trouble)
		__sync_fetch_and_add(&trouble->retransmits, 1);
	return 0;
}

#endif
