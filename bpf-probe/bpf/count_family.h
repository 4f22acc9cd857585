/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * From a parsed packet to its flow's entry, for one address family: count.h includes this file with FAMILY 4 and
 * again with 6. NAMED(count) is count4 or count6.
 */
#define JOINED_(name, family) name##family
#define JOINED(name, family)  JOINED_(name, family)
#define NAMED(name)	      JOINED(name, FAMILY)

#if FAMILY == 4
#define EVEN flows4_even
#define ODD  flows4_odd
#else
#define EVEN flows6_even
#define ODD  flows6_odd
#endif

static __noinline void NAMED(attend)(struct __sk_buff *skb, struct flow *f, const struct NAMED(key) * key,
				     const struct packet *p, enum hook hook)
{
	if (has_conntrack && (f->attention & ATTEND_NAT) && f->nat_tries) {
		f->nat_tries--;
		/* What enters has yet to be translated; what leaves has been, and only its answers' tuple is known. */
		NAMED(resolve_nat)(skb, f, key, hook & HOOK_INGRESS ? p->sender : 1 - (p->sender & 1));
	}
	attend(skb, f, p, hook, key->protocol);
	if ((f->attention & (ATTEND_HELLO | ATTEND_DNS)) && skb->len > p->payload)
		NAMED(pass_payload)(skb, f, key, p);
}

/* Sends a packet that found its map full through the ring, as a flow of one packet. */
static __noinline void NAMED(overflow)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
				       enum hook hook)
{
	__u64 now = coarse_now();
	/* Reserved last: verifiers before Linux 6.3 lose track of a message whose pointer is tested again later. */
	struct overflow_message *message = reserve_overflow(p, FAMILY);

	if (!message)
		return;
	message->NAMED(key) = *key;
	begin(&message->flow, skb, p, key->protocol, key->port, now);
	add(&message->flow, p, hook, key->protocol, now);
	NAMED(attend)(skb, &message->flow, key, p, hook);
	bpf_ringbuf_submit(message, 0);
}

/* Each branch names its map: the kernel calls a map's lookup directly only where the map is known. */
static __always_inline struct flow *NAMED(find)(const struct NAMED(key) * key, __u32 parity)
{
	return parity ? bpf_map_lookup_elem(&ODD, key) : bpf_map_lookup_elem(&EVEN, key);
}

/* Makes the entry of a key. NULL if the map is full. Finds the entry if another CPU made it in the meantime. */
static __noinline struct flow *NAMED(make)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
					   __u32 parity)
{
	long error = parity ? bpf_map_update_elem(&ODD, key, &empty_flow, BPF_NOEXIST)
			    : bpf_map_update_elem(&EVEN, key, &empty_flow, BPF_NOEXIST);
	struct flow *f = NAMED(find)(key, parity);

	if (!f || error)
		return f;
	begin(f, skb, p, key->protocol, key->port, coarse_now());
	note_entry(parity);
	return f;
}

/* Counts a packet to its flow. */
static __always_inline void NAMED(count)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
					 enum hook hook)
{
	__u32 parity = window.number & 1;
	struct flow *f = NAMED(find)(key, parity);

	if (!f) {
		f = NAMED(make)(skb, key, p, parity);
		if (!f) {
			NAMED(overflow)(skb, key, p, hook);
			return;
		}
	}
	if (add(f, p, hook, key->protocol, coarse_now()))
		NAMED(attend)(skb, f, key, p, hook);
}

#undef EVEN
#undef ODD
#undef NAMED
#undef JOINED
#undef JOINED_
