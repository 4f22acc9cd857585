/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Kernel types of network namespaces, devices and sockets, reduced to the fields that are read (include/linux and
 * include/net); relocated by CO-RE.
 */
#ifndef SONDE_KERNEL_TYPES_H
#define SONDE_KERNEL_TYPES_H

#include <linux/types.h>
#include <bpf/bpf_core_read.h>

struct list_head___local {
	struct list_head___local *next;
} __attribute__((preserve_access_index));

struct net___local {
	struct {
		unsigned int inum;
	} ns;
	struct list_head___local dev_base_head;
} __attribute__((preserve_access_index));

struct rtnl_link_ops___local {
	const char *kind;
} __attribute__((preserve_access_index));

struct net_device___local {
	int ifindex;
	struct {
		struct net___local *net;
	} nd_net;
	struct list_head___local dev_list;
	const struct rtnl_link_ops___local *rtnl_link_ops;
} __attribute__((preserve_access_index));

/* Since Linux 6.11 the driver's private data is a member. */
struct net_device___with_priv {
	__u8 priv[1];
} __attribute__((preserve_access_index));

struct in6_addr___local {
	__u32 word[4];
};

struct sock_common___local {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	struct {
		struct net___local *net;
	} skc_net;
	struct in6_addr___local skc_v6_daddr;
	struct in6_addr___local skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock___local {
	struct sock_common___local __sk_common;
} __attribute__((preserve_access_index));

#endif
