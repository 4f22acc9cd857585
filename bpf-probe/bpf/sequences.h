/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Detects TCP retransmits by sequence numbers, for senders whose sockets are not on this node: data that was seen
 * before, or that fills a gap, was sent again. A segment that arrives out of order counts as well; a keepalive does not
 * (one byte from before the window: RFC 9293 section 3.8.4).
 */
#ifndef SONDE_SEQUENCES_H
#define SONDE_SEQUENCES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "maps.h"
#include "packet.h"

/* include/linux/socket.h; a packet may also come from a packet socket. */
#define AF_INET	 2
#define AF_INET6 10

/* Whether the kernel reports retransmits of this packet's sender (retransmits.h). */
static __always_inline bool has_local_socket(const struct __sk_buff *skb)
{
	struct bpf_sock *socket = has_retransmits ? skb->sk : NULL;

	return socket && (socket->family == AF_INET || socket->family == AF_INET6);
}

static __always_inline void begin_sequence(struct flow *f, __u32 sender, __u32 sequence, __u32 next)
{
	f->sequences |= 1 << sender;
	f->data_begin[sender] = sequence;
	f->data_next[sender] = next;
}

/* Adds a segment with payload or FIN. SYNs begin the sequence. */
static __always_inline void track_sequence(struct flow *f, const struct packet *p, __u32 sender)
{
	__u32 next = p->sequence + p->payload_length + (p->tcp_flags & TCP_FIN);
	__s32 old = f->data_next[sender] - p->sequence; /* bytes that were seen before */

	if (next == p->sequence)
		return;
	if (!(f->sequences & (1 << sender))) {
		begin_sequence(f, sender, p->sequence, next);
		return;
	}
	if (old > 0) {
		bool keepalive = old == 1 && p->payload_length == 1;

		if (!keepalive)
			f->resent[sender] += (__s32)(next - f->data_next[sender]) > 0 ? 1 : p->packets;
		if ((__s32)(next - f->data_next[sender]) <= 0)
			return;
	}
	f->data_next[sender] = next;
}

#endif
