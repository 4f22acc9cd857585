/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Counts a parsed packet, for one address family: count.h includes this file with FAMILY 4 and again with 6.
 * NAMED(count) is count4 or count6.
 */
#define JOINED_(name, family) name##family
#define JOINED(name, family)  JOINED_(name, family)
#define NAMED(name)	      JOINED(name, FAMILY)

static __noinline void NAMED(do_pending)(struct __sk_buff *skb, struct flow *f, const struct NAMED(key) * key,
					 const struct packet *p, enum hook hook)
{
	if (has_conntrack && (f->pending & PENDING_NAT) && f->nat_lookups_left) {
		f->nat_lookups_left--;
		/* On ingress NAT comes later; on egress it is done, and only the reply tuple matches. */
		NAMED(resolve_nat)(skb, f, key, hook & HOOK_INGRESS ? p->sender : 1 - (p->sender & 1), hook);
	}
	do_pending(skb, f, p, hook, key->protocol);
	if ((f->pending & (PENDING_HELLO | PENDING_DNS)) && p->payload_length)
		NAMED(emit_payload)(skb, f, key, p);
}

/* Sends a packet that does not fit into the map through the ring buffer, as a flow of one packet. */
static __noinline void NAMED(overflow)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
				       enum hook hook)
{
	__u64 now = coarse_now();
	/* Reserve last: verifiers before Linux 6.3 lose track of a message whose pointer is tested again. */
	struct overflow_message *message = reserve_overflow(p);

	if (!message)
		return;
	message->flow.family = FAMILY;
	message->flow.NAMED(key) = *key;
	init_flow(&message->flow, skb, p, key->protocol, key->port, now);
	count_packet(skb, &message->flow, p, hook, key->protocol, now);
	NAMED(do_pending)(skb, &message->flow, key, p, hook);
	bpf_ringbuf_submit(message, 0);
}

static __always_inline __u32 NAMED(hash)(const struct NAMED(key) * key)
{
	const __u64 *words = (const __u64 *)key;
	__u64 hash = hash_seed;

#pragma unroll
	for (unsigned i = 0; i < sizeof(*key) / sizeof(*words); i++)
		hash = mix(hash, words[i]);
	return hash;
}

static __always_inline bool NAMED(has_key)(const struct flow *f, const struct NAMED(key) * key)
{
	const __u64 *ours = (const __u64 *)&f->NAMED(key), *theirs = (const __u64 *)key;
	__u64 difference = f->family ^ FAMILY;

#pragma unroll
	for (unsigned i = 0; i < sizeof(*key) / sizeof(*ours); i++)
		difference |= ours[i] ^ theirs[i];
	return !difference;
}

/* Looks up the flow of a key. If there is none, returns NULL and sets `hint` for the insertion. */
static __always_inline struct flow *NAMED(find)(const struct NAMED(key) * key, __u32 window, struct insert_hint *hint)
{
	struct hash_bucket *bucket;
	struct flow *f;

	hint->hash = NAMED(hash)(key);
	hint->used = 0;
	hint->bucket = bucket = find_bucket(window, hint->hash);
	if (!bucket || bucket->window != window)
		return NULL;
	hint->used = *(volatile __u32 *)&bucket->used;
	for (__u32 i = 0; i < BUCKET_SLOTS && i < hint->used; i++) {
		__u32 slot = *(volatile __u32 *)&bucket->slots[i];

		if ((slot ^ hint->hash) & SLOT_TAG)
			continue;
		f = entry_at(window, (slot & SLOT_POSITION) - 1);
		if (f && NAMED(has_key)(f, key))
			return f;
	}
	return NULL;
}

/* Creates the entry of a key. Returns NULL if the map is full or another CPU was faster. */
static __noinline struct flow *NAMED(make)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
					   __u32 window, const struct insert_hint *hint)
{
	__u32 position = alloc_entry(window);
	struct flow *f = entry_at(window, position);

	if (position >= capacity || !f)
		return NULL;
	f->NAMED(key) = *key;
	f->family = FAMILY;
	init_flow(f, skb, p, key->protocol, key->port, coarse_now());
	notify_pressure(window, position);
	if (publish(hint, window, position))
		return f;
	f->family = 0; /* The entry stays unused. */
	return NULL;
}

/* Adds a packet to its flow. */
static __always_inline void NAMED(count)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
					 enum hook hook)
{
	__u32 number = window.number;
	struct insert_hint hint;
	struct flow *f = NAMED(find)(key, number, &hint);

	if (!f) {
		f = NAMED(make)(skb, key, p, number, &hint);
		if (!f) {
			NAMED(overflow)(skb, key, p, hook);
			return;
		}
	}
	if (count_packet(skb, f, p, hook, key->protocol, coarse_now()))
		NAMED(do_pending)(skb, f, key, p, hook);
}

#undef NAMED
#undef JOINED
#undef JOINED_
