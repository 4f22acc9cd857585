/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* From a parsed packet to its flow's entry: the parts that are the same for every address family. */
#ifndef SONDE_COUNT_H
#define SONDE_COUNT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "maps.h"
#include "packet.h"
#include "conntrack.h"
#include "connection.h"
#include "owner.h"
#include "payload.h"
#include "table.h"

/* Fills in an entry, but for its key, for the packet that it is made for. `ports` are the key's. */
static __always_inline void begin(struct flow *f, const struct __sk_buff *skb, const struct packet *p, __u8 protocol,
				  const __u16 ports[2], __u64 now)
{
	f->first = now;
	f->ifindex = skb->ifindex;
	/* The kernel takes the outer tag off on arrival; others stay in the frame. */
	f->vlan = skb->vlan_present ? skb->vlan_tci & 0xfff : p->vlan;
	f->tunnel = p->tunnel;
	f->first_sender = p->sender;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		if (has_conntrack) {
			f->nat_tries = NAT_TRIES;
			f->attention |= ATTEND_NAT;
		}
		if (has_owners)
			f->attention |= ATTEND_OWNER_0 | ATTEND_OWNER_1;
		if (ports[0] == bpf_htons(PORT_DNS) || ports[1] == bpf_htons(PORT_DNS))
			f->attention |= ATTEND_DNS;
		else if (protocol == IPPROTO_TCP)
			f->attention |= ATTEND_HELLO;
	} else {
		f->icmp_type = p->icmp_type;
		f->icmp_code = p->icmp_code;
	}
}

/* Wakes user space when so many entries are taken that it should begin a new window. */
static __always_inline void tell_pressure(__u32 number, __u32 position)
{
	struct pressure_message *message;

	if (position < pressure_entries || pressure_told == number + 1)
		return;
	pressure_told = number + 1;
	message = bpf_ringbuf_reserve(&packets, sizeof(*message), 0);
	if (!message)
		return; /* The ring is full: user space is awake already. */
	message->kind = MESSAGE_PRESSURE;
	bpf_ringbuf_submit(message, BPF_RB_FORCE_WAKEUP);
}

/* The steady state's work for a packet. Returns true if the entry wants more to be done. */
static __always_inline bool add(struct flow *f, const struct packet *p, enum hook hook, __u8 protocol, __u64 now)
{
	__u32 sender = p->sender & 1;
	__u8 end = 1 << (hook & HOOK_INGRESS ? sender : 1 - sender);

	__sync_fetch_and_add(&f->bytes[sender], (__u64)p->bytes);
	__sync_fetch_and_add(&f->packets[sender], (__u64)p->packets);
	f->last = now;
	if ((hook & HOOK_POD) && !(f->ends & end))
		f->ends |= end;
	if (f->attention)
		return true;
	if (protocol != IPPROTO_TCP)
		return false;
	if (p->tcp_flags & ~f->tcp_flags[sender])
		f->tcp_flags[sender] |= p->tcp_flags;
	if (p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST))
		return true;
	return (hook & HOOK_INGRESS) && socket_time(now) != f->socket_at;
}

/* Everything that is not done for every packet, but for what needs the key. */
static __always_inline void attend(struct __sk_buff *skb, struct flow *f, const struct packet *p, enum hook hook,
				   __u8 protocol)
{
	if (f->nat != NAT_UNKNOWN || f->nat_tries == 0)
		f->attention &= ~ATTEND_NAT;
	if (f->attention & (p->sender & 1 ? ATTEND_OWNER_1 : ATTEND_OWNER_0))
		note_owner(skb, f, p, hook);
	if (protocol != IPPROTO_TCP)
		return;
	f->tcp_flags[p->sender & 1] |= p->tcp_flags;
	if ((p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) || (f->attention & ATTEND_HANDSHAKE))
		note_tcp_state(skb, f, p);
	if ((hook & HOOK_INGRESS) && socket_time(f->last) != f->socket_at)
		sample_socket(skb, f);
}

/* A message for a packet that found no room in the map; NULL, counted, if the ring is full too. */
static __always_inline struct overflow_message *reserve_overflow(const struct packet *p)
{
	struct overflow_message *message = bpf_ringbuf_reserve(&packets, sizeof(*message), 0);

	if (!message) {
		count(COUNTER_LOST_PACKETS_MAP_FULL, p->packets);
		count(COUNTER_LOST_BYTES_MAP_FULL, p->bytes);
		return NULL;
	}
	count(COUNTER_MAP_FULL_FALLBACKS, p->packets);
	__builtin_memset(message, 0, sizeof(*message));
	message->kind = MESSAGE_OVERFLOW;
	return message;
}

#define FAMILY 4
#include "count_family.h"
#undef FAMILY
#define FAMILY 6
#include "count_family.h"
#undef FAMILY

#endif
