/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Sends payload to user space, which parses it: DNS messages and the TLS ClientHello of a connection. No other payload
 * leaves the kernel.
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

/* Further segments of a ClientHello; with post-quantum keys it takes two or three. */
#define HELLO_SEGMENTS 3

/* Message under construction: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct payload_message);
} payload_scratch SEC(".maps");

/* Returns the kind of payload, or 0 if user space does not need it. Clears the pending bit after the last segment. */
static __always_inline __u32 payload_kind(struct __sk_buff *skb, struct flow *f, const struct packet *p, __u8 protocol)
{
	__u8 start[6]; /* TLS record: type, version (2), length (2), then the handshake message's type */

	if (f->pending & PENDING_DNS)
		return protocol == IPPROTO_TCP ? PAYLOAD_DNS_STREAM : PAYLOAD_DNS_DATAGRAM;
	if (f->hello_left) {
		if ((p->sender & 1) != f->syn_from)
			return 0;
		if (--f->hello_left == 0)
			f->pending &= ~PENDING_HELLO;
		return PAYLOAD_CLIENT_HELLO_MORE;
	}
	if (p->payload_length < sizeof(start) || !load(skb, p->payload, start, sizeof(start)) ||
	    start[0] != TLS_HANDSHAKE || start[1] != 3 || start[5] != TLS_CLIENT_HELLO) {
		f->pending &= ~PENDING_HELLO;
		return 0;
	}
	if (p->payload_length < 5u + (start[3] << 8 | start[4])) {
		f->hello_left = HELLO_SEGMENTS;
		f->syn_from = p->sender; /* in case the SYN was not seen: the client sends the ClientHello */
	} else {
		f->pending &= ~PENDING_HELLO;
	}
	return PAYLOAD_CLIENT_HELLO;
}

/* Prepares a message, except for its key. Returns NULL if there is nothing to send. */
static __always_inline struct payload_message *prepare_payload(struct __sk_buff *skb, struct flow *f,
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
	message->full_length = p->payload_length;
	message->tcp_sequence = p->sequence;
	message->at = bpf_ktime_get_ns();
	return message;
}

/* How many bytes of the payload are there: all of them, except in files with the beginnings of packets (replay/). */
#ifndef present_payload
#define present_payload(p) ((p)->payload_length)
#endif

/* Copies the payload into the message and sends it. */
static __always_inline void send_payload(struct __sk_buff *skb, struct payload_message *message, const struct packet *p)
{
	__u32 length = present_payload(p) > MAX_PAYLOAD ? MAX_PAYLOAD : present_payload(p);
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
		add_counter(COUNTER_LOST_PAYLOADS_RING_FULL, 1);
}

static __noinline void emit_payload4(struct __sk_buff *skb, struct flow *f, const struct key4 *key,
				     const struct packet *p)
{
	struct payload_message *message = prepare_payload(skb, f, p, key->protocol, 4);

	if (!message)
		return;
	message->key4 = *key;
	send_payload(skb, message, p);
}

static __noinline void emit_payload6(struct __sk_buff *skb, struct flow *f, const struct key6 *key,
				     const struct packet *p)
{
	struct payload_message *message = prepare_payload(skb, f, p, key->protocol, 6);

	if (!message)
		return;
	message->key6 = *key;
	send_payload(skb, message, p);
}

#endif
