/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Tracks a TCP connection: opening, closing, round-trip time. Runs for packets with SYN, FIN or RST, while work is
 * pending, and a few times a second for local sockets.
 */
#ifndef SONDE_CONNECTION_H
#define SONDE_CONNECTION_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "packet.h"
#include "sequences.h"

/* The RTT of a local socket is read at most once in each unit of 2^28 ns (268 ms). */
static __always_inline __u16 rtt_sample_time(__u64 now)
{
	return now >> 28;
}

static __always_inline bool ended(const struct flow *f)
{
	return (f->fin[0] && f->fin[1]) || f->rst[0] || f->rst[1];
}

/* Keeps the FINs of a connection of an earlier window whose ports are reused in this one. */
static __always_inline void save_earlier_fins(struct flow *f)
{
	f->earlier_fin[0] = f->fin[0];
	f->earlier_fin[1] = f->fin[1];
}

/*
 * A SYN with a new sequence number opens a new connection on the same ports. One with the same number is a retransmit:
 * the earlier one was not answered, so the connection has not ended. In a simultaneous open (RFC 9293 section 3.5) the
 * second SYN does not open a new connection either. `local`: the kernel reports retransmits of the sender.
 */
static __always_inline void track_syn(struct flow *f, __u32 sender, __u32 sequence, bool local)
{
	bool repeated = f->syns && (f->syn_sequence == sequence || (f->syn_from != sender && !ended(f)));

	if (!repeated) {
		if (ended(f))
			f->ended++;
		else if (!f->syns)
			save_earlier_fins(f);
		if (f->syns)
			f->reopened++;
		else
			f->first_sequence = sequence;
		f->syns = 0;
		f->syn_at = bpf_ktime_get_ns();
		f->syn_from = sender;
		f->syn_sequence = sequence;
		f->synack_at = 0;
		f->established_at = 0;
		f->fin[0] = f->fin[1] = 0;
		f->pending |= PENDING_HANDSHAKE;
		f->sequences = 0;
		if (!local)
			begin_sequence(f, sender, sequence, sequence + 1);
	} else if (!local && f->syn_from == sender) {
		f->resent[sender]++;
	}
	f->syns++;
	f->rst[0] = f->rst[1] = 0;
}

/* Follows the TCP state machine (RFC 9293) as far as it is visible on the wire. */
static __always_inline void track_tcp_state(struct flow *f, const struct packet *p, bool local)
{
	__u32 sender = p->sender & 1;

	if (p->tcp_flags & TCP_RST) {
		f->rst[sender] = 1;
		f->pending &= ~PENDING_HANDSHAKE;
	} else if (p->tcp_flags & TCP_SYN) {
		if (!(p->tcp_flags & TCP_ACK)) {
			track_syn(f, sender, p->sequence, local);
		} else if (!f->synack_at) {
			f->synack_at = bpf_ktime_get_ns();
			f->synack_from = sender;
			f->pending |= PENDING_HANDSHAKE;
			if (!local)
				begin_sequence(f, sender, p->sequence, p->sequence + 1);
		} else if (!local) {
			f->resent[sender]++;
		}
	} else {
		if ((f->pending & PENDING_HANDSHAKE) && (p->tcp_flags & TCP_ACK) &&
		    sender == (f->syns ? f->syn_from : !f->synack_from)) {
			f->established_at = bpf_ktime_get_ns();
			f->pending &= ~PENDING_HANDSHAKE;
		}
		if (p->tcp_flags & TCP_FIN)
			f->fin[sender] = 1;
	}
}

/*
 * Reads the RTT from the sending pod's socket, which the packet still carries at the host end of the veth.
 */
static __always_inline void sample_rtt(struct __sk_buff *skb, struct flow *f)
{
	struct bpf_sock *socket = skb->sk;
	struct bpf_tcp_sock *tcp;
	__u32 rtt;

	f->rtt_sampled_at = rtt_sample_time(f->last);
	if (!socket)
		return;
	socket = bpf_sk_fullsock(socket);
	if (!socket)
		return;
	tcp = bpf_tcp_sock(socket);
	if (!tcp)
		return;
	rtt = tcp->srtt_us >> 3; /* stored times 8 */
	if (!rtt)
		return;
	f->rtt_sum += rtt;
	f->rtt_samples++;
	rtt = tcp->rtt_min;
	if (rtt && (!f->rtt_min || rtt < f->rtt_min))
		f->rtt_min = rtt;
}

#endif
