/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Network namespaces of kernel events. Tracepoints fire for every namespace, and addresses are unique only within the
 * namespaces of one network: the probe's own and those of the pods behind its veth interfaces.
 */
#ifndef SONDE_NETNS_H
#define SONDE_NETNS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "kernel_types.h"
#include "maps.h"

/* Inode number of the probe's network namespace. */
LOAD_SETTING __u32 own_netns = 0;

/* Devices of a namespace that are examined; pods have two or three. */
#define MAX_NETNS_DEVICES 8

/* drivers/net/veth.c, drivers/net/netkit.c: private data of a device begins with the pointer to its peer. */
#define NETDEV_ALIGN 32

/* Names of drivers as numbers, for one comparison; padded with zeros. */
union driver_name {
	char text[8];
	__u64 number;
};

/* The other device of a veth or netkit pair; NULL for other devices. */
static __always_inline struct net_device___local *device_peer(struct net_device___local *device)
{
	const char *kind = BPF_CORE_READ(device, rtnl_link_ops, kind);
	struct net_device___local *peer = NULL;
	const union driver_name veth = {"veth"}, netkit = {"netkit"};
	union driver_name name = {};
	__u32 offset;

	if (!kind || bpf_probe_read_kernel_str(name.text, sizeof(name.text), kind) < 0)
		return NULL;
	if (name.number != veth.number && name.number != netkit.number)
		return NULL;
	if (bpf_core_field_exists(struct net_device___with_priv, priv))
		offset = bpf_core_field_offset(struct net_device___with_priv, priv);
	else
		offset = (bpf_core_type_size(struct net_device___local) + NETDEV_ALIGN - 1) & ~(NETDEV_ALIGN - 1);
	bpf_probe_read_kernel(&peer, sizeof(peer), (void *)device + offset);
	return peer;
}

/* Whether a device of the namespace has its peer in the probe's. Not inlined: the verifier follows the loop once. */
static __noinline bool has_peer_in_own_netns(struct net___local *netns)
{
	struct list_head___local *head = (void *)netns + bpf_core_field_offset(struct net___local, dev_base_head);
	struct list_head___local *entry = BPF_CORE_READ(head, next);

	for (int i = 0; i < MAX_NETNS_DEVICES && entry && entry != head; i++) {
		struct net_device___local *device =
			(void *)entry - bpf_core_field_offset(struct net_device___local, dev_list);
		struct net_device___local *peer = device_peer(device);

		if (peer && BPF_CORE_READ(peer, nd_net.net, ns.inum) == own_netns)
			return true;
		entry = BPF_CORE_READ(entry, next);
	}
	return false;
}

/* Whether events of a namespace belong to the flows of this probe: its own, and those of pods connected to it. */
static __always_inline bool is_watched_netns(struct net___local *netns)
{
	return netns && (BPF_CORE_READ(netns, ns.inum) == own_netns || has_peer_in_own_netns(netns));
}

#endif
