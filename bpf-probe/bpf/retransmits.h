/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * TCP retransmits of sockets on this node, from the tracepoint tcp_retransmit_skb. Those of other senders are detected
 * by their sequence numbers (sequences.h).
 */
#ifndef SONDE_RETRANSMITS_H
#define SONDE_RETRANSMITS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "flow.h"
#include "flow_health.h"
#include "kernel_types.h"
#include "netns.h"
#include "packet.h"
#include "tunnels.h"

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

	if (!is_watched_netns(BPF_CORE_READ(socket, __sk_common.skc_net.net)))
		return 0;
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
