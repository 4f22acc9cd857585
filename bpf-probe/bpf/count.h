/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Counts a parsed packet in its flow's entry: the parts that do not depend on the address family. */
#ifndef SONDE_COUNT_H
#define SONDE_COUNT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "maps.h"
#include "packet.h"
#include "conntrack.h"
#include "connection.h"
#include "process.h"
#include "payload.h"
#include "table.h"

/* Initializes an entry, except for its key, from the first packet. `ports` are those of the key. */
static __always_inline void init_flow(struct flow *f, const struct __sk_buff *skb, const struct packet *p,
				      __u8 protocol, const __u16 ports[2], __u64 now)
{
	f->first = now;
	f->ifindex = skb->ifindex;
	/* The kernel strips the outer tag on arrival; others stay in the frame. */
	f->vlan = skb->vlan_present ? skb->vlan_tci & 0xfff : p->vlan;
	f->tunnel = p->tunnel;
	f->first_sender = p->sender;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		if (has_conntrack) {
			f->nat_lookups_left = MAX_NAT_LOOKUPS;
			f->pending |= PENDING_NAT;
		}
		if (has_processes)
			f->pending |= PENDING_PROCESS_0 | PENDING_PROCESS_1;
		if (ports[0] == bpf_htons(PORT_DNS) || ports[1] == bpf_htons(PORT_DNS))
			f->pending |= PENDING_DNS;
		else if (protocol == IPPROTO_TCP)
			f->pending |= PENDING_HELLO;
	} else {
		f->icmp_type = p->icmp_type;
		f->icmp_code = p->icmp_code;
	}
}

/* Wakes user space when the map is filling up, so that it ends the window early. */
static __always_inline void notify_pressure(__u32 number, __u32 position)
{
	struct pressure_message *message;

	if (position < pressure_entries || pressure_notified == number + 1)
		return;
	pressure_notified = number + 1;
	message = bpf_ringbuf_reserve(&packets, sizeof(*message), 0);
	if (!message)
		return; /* The ring buffer is full, so user space is already awake. */
	message->kind = MESSAGE_MAP_PRESSURE;
	bpf_ringbuf_submit(message, BPF_RB_FORCE_WAKEUP);
}

/* The work for every packet. Returns true if do_pending() has more to do. */
static __always_inline bool count_packet(struct __sk_buff *skb, struct flow *f, const struct packet *p, enum hook hook,
					 __u8 protocol, __u64 now)
{
	__u32 sender = p->sender & 1;
	__u8 end = 1 << (hook & HOOK_INGRESS ? sender : 1 - sender);

	__sync_fetch_and_add(&f->bytes[sender], (__u64)p->bytes);
	__sync_fetch_and_add(&f->packets[sender], p->packets);
	f->last = now;
	if ((hook & HOOK_POD) && !(f->local_sides & end))
		f->local_sides |= end;
	if (protocol == IPPROTO_TCP && !(p->tcp_flags & TCP_SYN) && !has_local_socket(skb))
		track_sequence(f, p, sender);
	if (f->pending)
		return true;
	if (protocol != IPPROTO_TCP)
		return false;
	if (p->tcp_flags & ~f->tcp_flags[sender])
		f->tcp_flags[sender] |= p->tcp_flags;
	if (p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST))
		return true;
	return (hook & HOOK_INGRESS) && rtt_sample_time(now) != f->rtt_sampled_at;
}

/* The work that only some packets need, except for what depends on the key. */
static __always_inline void do_pending(struct __sk_buff *skb, struct flow *f, const struct packet *p, enum hook hook,
				       __u8 protocol)
{
	if (f->nat != NAT_UNKNOWN || f->nat_lookups_left == 0)
		f->pending &= ~PENDING_NAT;
	if (f->pending & (p->sender & 1 ? PENDING_PROCESS_1 : PENDING_PROCESS_0))
		record_process(skb, f, p, hook);
	if (protocol != IPPROTO_TCP)
		return;
	f->tcp_flags[p->sender & 1] |= p->tcp_flags;
	if ((p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) || (f->pending & PENDING_HANDSHAKE))
		track_tcp_state(f, p, has_local_socket(skb));
	if ((hook & HOOK_INGRESS) && rtt_sample_time(f->last) != f->rtt_sampled_at)
		sample_rtt(skb, f);
}

/* Reserves a message for a packet that does not fit into the map. Counts a loss and returns NULL if the ring is full.
 */
static __always_inline struct overflow_message *reserve_overflow(const struct packet *p)
{
	struct overflow_message *message = bpf_ringbuf_reserve(&packets, sizeof(*message), 0);

	if (!message) {
		add_counter(COUNTER_LOST_PACKETS_MAP_FULL, p->packets);
		add_counter(COUNTER_LOST_BYTES_MAP_FULL, p->bytes);
		return NULL;
	}
	add_counter(COUNTER_PACKETS_VIA_RING_BUFFER, p->packets);
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
