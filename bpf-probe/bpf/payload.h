/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Passes payload on to user space, which reads it: DNS messages, and the TLS ClientHello that a connection begins with.
 * Nothing else of what packets carry leaves the kernel.
 */
#ifndef SONDE_PAYLOAD_H
#define SONDE_PAYLOAD_H

#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "maps.h"
#include "packet.h"

#define PORT_DNS 53

/* RFC 8446 section 5.1: content type handshake; section 4: message type client_hello. */
#define TLS_HANDSHAKE	 22
#define TLS_CLIENT_HELLO 1

/* Further segments that a ClientHello may be spread over; with post-quantum keys it takes two or three. */
#define HELLO_SEGMENTS 3

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct payload_message);
} payload_scratch SEC(".maps");

/* What kind of payload this is and whether user space wants it; 0 if not. Ends the attention where it is over. */
static __always_inline __u32 payload_kind(struct __sk_buff *skb, struct flow *f, const struct packet *p, __u8 protocol)
{
	__u8 start[6]; /* TLS record: type, version (2), length (2), then the handshake message's type */

	if (f->attention & ATTEND_DNS)
		return protocol == IPPROTO_TCP ? PAYLOAD_DNS_STREAM : PAYLOAD_DNS_DATAGRAM;
	if (f->hello_left) {
		if ((p->sender & 1) != f->syn_from)
			return 0;
		if (--f->hello_left == 0)
			f->attention &= ~ATTEND_HELLO;
		return PAYLOAD_CLIENT_HELLO_MORE;
	}
	if (!load(skb, p->payload, start, sizeof(start)) || start[0] != TLS_HANDSHAKE || start[1] != 3 ||
	    start[5] != TLS_CLIENT_HELLO) {
		f->attention &= ~ATTEND_HELLO;
		return 0;
	}
	if (skb->len - p->payload < 5u + (start[3] << 8 | start[4])) {
		f->hello_left = HELLO_SEGMENTS;
		f->syn_from = p->sender; /* if it was not known; who says hello is the client */
	} else {
		f->attention &= ~ATTEND_HELLO;
	}
	return PAYLOAD_CLIENT_HELLO;
}

/* A message with everything but its key; NULL if there is nothing to pass on. */
static __always_inline struct payload_message *begin_payload(struct __sk_buff *skb, struct flow *f,
							     const struct packet *p, __u8 protocol, __u8 family)
{
	__u32 zero = 0, kind = payload_kind(skb, f, p, protocol);
	struct payload_message *message;

	if (!kind)
		return NULL;
	message = bpf_map_lookup_elem(&payload_scratch, &zero);
	if (!message)
		return NULL;
	message->kind = kind;
	message->family = family;
	message->sender = p->sender;
	message->whole = skb->len - p->payload;
	message->tcp_sequence = 0;
	message->at = bpf_ktime_get_ns();
	if (protocol == IPPROTO_TCP)
		load(skb, p->transport + offsetof(struct tcphdr, seq), &message->tcp_sequence, 4);
	return message;
}

/* Copies the payload behind the message's head and sends both. */
static __always_inline void send_payload(struct __sk_buff *skb, struct payload_message *message, const struct packet *p)
{
	__u32 length = message->whole > MAX_PAYLOAD ? MAX_PAYLOAD : message->whole;
	__u32 last = length - 1;

	/* Verifiers before Linux 6.3 learn that a length is not 0 only from a comparison of this kind. */
	asm volatile("" : "+r"(last));
	if (last >= MAX_PAYLOAD)
		return;
	length = last + 1;
	if (!load(skb, p->payload, message->bytes, length))
		return;
	message->length = length;
	length += offsetof(struct payload_message, bytes);
	if (bpf_ringbuf_output(&payloads, message, length, 0))
		count(COUNTER_LOST_PAYLOADS_RING_FULL, 1);
}

static __noinline void pass_payload4(struct __sk_buff *skb, struct flow *f, const struct key4 *key,
				     const struct packet *p)
{
	struct payload_message *message = begin_payload(skb, f, p, key->protocol, 4);

	if (!message)
		return;
	message->key4 = *key;
	send_payload(skb, message, p);
}

static __noinline void pass_payload6(struct __sk_buff *skb, struct flow *f, const struct key6 *key,
				     const struct packet *p)
{
	struct payload_message *message = begin_payload(skb, f, p, key->protocol, 6);

	if (!message)
		return;
	message->key6 = *key;
	send_payload(skb, message, p);
}

#endif
