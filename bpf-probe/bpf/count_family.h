/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * From a parsed packet to its flow's entry, for one address family: count.h includes this file with FAMILY 4 and
 * again with 6. NAMED(count) is count4 or count6.
 */
#define JOINED_(name, family) name##family
#define JOINED(name, family)  JOINED_(name, family)
#define NAMED(name)	      JOINED(name, FAMILY)

static __noinline void NAMED(attend)(struct __sk_buff *skb, struct flow *f, const struct NAMED(key) * key,
				     const struct packet *p, enum hook hook)
{
	if (has_conntrack && (f->attention & ATTEND_NAT) && f->nat_tries) {
		f->nat_tries--;
		/* What enters has yet to be translated; what leaves has been, and only its answers' tuple is known. */
		NAMED(resolve_nat)(skb, f, key, hook & HOOK_INGRESS ? p->sender : 1 - (p->sender & 1), hook);
	}
	attend(skb, f, p, hook, key->protocol);
	if ((f->attention & (ATTEND_HELLO | ATTEND_DNS)) && skb->len > p->payload)
		NAMED(pass_payload)(skb, f, key, p);
}

/* Sends a packet that found no room in the map through the ring, as a flow of one packet. */
static __noinline void NAMED(overflow)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
				       enum hook hook)
{
	__u64 now = coarse_now();
	/* Reserved last: verifiers before Linux 6.3 lose track of a message whose pointer is tested again later. */
	struct overflow_message *message = reserve_overflow(p);

	if (!message)
		return;
	message->flow.family = FAMILY;
	message->flow.NAMED(key) = *key;
	begin(&message->flow, skb, p, key->protocol, key->port, now);
	add(&message->flow, p, hook, key->protocol, now);
	NAMED(attend)(skb, &message->flow, key, p, hook);
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

/* Looks for the flow of a key; NULL if there is none: then `place` tells where to put it. */
static __always_inline struct flow *NAMED(find)(const struct NAMED(key) * key, __u32 window, struct place *place)
{
	struct hash_bucket *bucket;
	struct flow *f;

	place->hash = NAMED(hash)(key);
	place->used = 0;
	place->bucket = bucket = find_bucket(window, place->hash);
	if (!bucket || bucket->window != window)
		return NULL;
	place->used = *(volatile __u32 *)&bucket->used;
	for (__u32 i = 0; i < BUCKET_SLOTS && i < place->used; i++) {
		__u32 slot = *(volatile __u32 *)&bucket->slots[i];

		if ((slot ^ place->hash) & SLOT_TAG)
			continue;
		f = entry_at(window, (slot & SLOT_POSITION) - 1);
		if (f && NAMED(has_key)(f, key))
			return f;
	}
	return NULL;
}

/* Makes the entry of a key. NULL if there is no room, or another CPU took the place. */
static __noinline struct flow *NAMED(make)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
					   __u32 window, const struct place *place)
{
	__u32 position = take_entry(window);
	struct flow *f = entry_at(window, position);

	if (position >= capacity || !f)
		return NULL;
	f->NAMED(key) = *key;
	f->family = FAMILY;
	begin(f, skb, p, key->protocol, key->port, coarse_now());
	tell_pressure(window, position);
	if (publish(place, window, position))
		return f;
	f->family = 0; /* It stays unused. */
	return NULL;
}

/* Counts a packet to its flow. */
static __always_inline void NAMED(count)(struct __sk_buff *skb, const struct NAMED(key) * key, const struct packet *p,
					 enum hook hook)
{
	__u32 number = window.number;
	struct place place;
	struct flow *f = NAMED(find)(key, number, &place);

	if (!f) {
		f = NAMED(make)(skb, key, p, number, &place);
		if (!f) {
			NAMED(overflow)(skb, key, p, hook);
			return;
		}
	}
	if (add(f, p, hook, key->protocol, coarse_now()))
		NAMED(attend)(skb, f, key, p, hook);
}

#undef NAMED
#undef JOINED
#undef JOINED_
