/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* TCP retransmits, from the tracepoint tcp_retransmit_skb. */
#ifndef SONDE_RETRANSMITS_H
#define SONDE_RETRANSMITS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "flow.h"
#include "flow_health.h"
#include "packet.h"
#include "tunnels.h"

/* Kernel types, reduced to the fields that are read (include/net/sock.h); relocated by CO-RE. */
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

/* tcp_retransmit_skb(sk, skb): a socket of this node retransmits a segment. */
SEC("raw_tp/tcp_retransmit_skb")
int sonde_retransmit(struct bpf_raw_tracepoint_args *context)
{
	struct sock___local *socket = (void *)context->args[0];
	__u16 local_port = bpf_htons(BPF_CORE_READ(socket, __sk_common.skc_num));
	__u16 remote_port = BPF_CORE_READ(socket, __sk_common.skc_dport);
	__u32 local[4], remote[4];
	struct flow_health *health;
	struct key6 key;

	if (BPF_CORE_READ(socket, __sk_common.skc_family) == 2 /* AF_INET */) {
		map_address(local, BPF_CORE_READ(socket, __sk_common.skc_rcv_saddr));
		map_address(remote, BPF_CORE_READ(socket, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&local, socket, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&remote, socket, __sk_common.skc_v6_daddr);
	}
	set_key6(&key, local, remote, local_port, remote_port, IPPROTO_TCP, KEY_CONNECTION);
	health = get_flow_health(&key);
	if (health)
		__sync_fetch_and_add(&health->retransmits, 1);
	return 0;
}

#endif
