/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What happens to a connection besides its packets being counted: opening, closing, round-trip times. Runs for
 * packets with SYN, FIN or RST, while an entry wants attention, and a few times a second for a local socket.
 */
#ifndef SONDE_CONNECTION_H
#define SONDE_CONNECTION_H

#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "packet.h"

/* A local socket is asked for its round-trip time at most once in each of these units of 2^28 ns (268 ms). */
static __always_inline __u16 socket_time(__u64 now)
{
	return now >> 28;
}

static __always_inline bool ended(const struct flow *f)
{
	return (f->fin[0] && f->fin[1]) || f->rst[0] || f->rst[1];
}

/* Of a connection that an earlier window has the other FIN of, before its ports are used again in this one. */
static __always_inline void note_earlier_fins(struct flow *f)
{
	f->earlier_fin[0] = f->fin[0];
	f->earlier_fin[1] = f->fin[1];
}

/*
 * A SYN with another sequence number than the last one opens a new connection: the same ports are used again. One with
 * the same number was sent again, and so was not answered, whatever looked like an end. When both ends open the
 * connection at once (RFC 9293 section 3.5) the second SYN is no new one either.
 */
static __always_inline void note_syn(struct flow *f, __u32 sender, __u32 sequence)
{
	bool again = f->syns && (f->syn_sequence == sequence || (f->syn_from != sender && !ended(f)));

	if (!again) {
		if (ended(f))
			f->ended++;
		else if (!f->syns)
			note_earlier_fins(f);
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
		f->attention |= ATTEND_HANDSHAKE;
	}
	f->syns++;
	f->rst[0] = f->rst[1] = 0;
}

/* Follows the TCP state machine (RFC 9293) as far as it can be seen from outside. */
static __always_inline void note_tcp_state(struct __sk_buff *skb, struct flow *f, const struct packet *p)
{
	__u32 sender = p->sender & 1, sequence = 0;

	if (p->tcp_flags & TCP_RST) {
		f->rst[sender] = 1;
		f->attention &= ~ATTEND_HANDSHAKE;
	} else if (p->tcp_flags & TCP_SYN) {
		if (!(p->tcp_flags & TCP_ACK)) {
			load(skb, p->transport + offsetof(struct tcphdr, seq), &sequence, sizeof(sequence));
			note_syn(f, sender, sequence);
		} else if (!f->synack_at) {
			f->synack_at = bpf_ktime_get_ns();
			f->synack_from = sender;
			f->attention |= ATTEND_HANDSHAKE;
		}
	} else {
		if ((f->attention & ATTEND_HANDSHAKE) && (p->tcp_flags & TCP_ACK) &&
		    sender == (f->syns ? f->syn_from : !f->synack_from)) {
			f->established_at = bpf_ktime_get_ns();
			f->attention &= ~ATTEND_HANDSHAKE;
		}
		if (p->tcp_flags & TCP_FIN)
			f->fin[sender] = 1;
	}
}

/*
 * Reads the round-trip time that the sending pod's TCP keeps. On its way out of a pod a packet still carries its
 * socket when it enters the host's end of the veth.
 */
static __always_inline void sample_socket(struct __sk_buff *skb, struct flow *f)
{
	struct bpf_sock *socket = skb->sk;
	struct bpf_tcp_sock *tcp;
	__u32 rtt;

	f->socket_at = socket_time(f->last);
	if (!socket)
		return;
	socket = bpf_sk_fullsock(socket);
	if (!socket)
		return;
	tcp = bpf_tcp_sock(socket);
	if (!tcp)
		return;
	rtt = tcp->srtt_us >> 3; /* the kernel keeps eight times the value */
	if (!rtt)
		return;
	f->rtt_sum += rtt;
	f->rtt_samples++;
	rtt = tcp->rtt_min;
	if (rtt && (!f->rtt_min || rtt < f->rtt_min))
		f->rtt_min = rtt;
}

#endif
