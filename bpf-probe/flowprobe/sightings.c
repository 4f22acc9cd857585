// SPDX-License-Identifier: Apache-2.0
#include "sightings.h"
#include "exit.h"
#include "mapped.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* As many as the kernel programs' maps hold. */
#define MAX_TROUBLES 16384

struct sightings make_sightings(__u32 max_flows)
{
	struct sightings sightings = {.max_overflowed = max_flows};
	size_t capacity = (size_t)max_flows * 3 + MAX_TROUBLES; /* of two maps, the overflow, and drops */
	size_t size = capacity * sizeof(struct sighting);

	/* Memory is taken only as far as it is used. */
	sightings.all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sightings.all == MAP_FAILED)
		fail(EXIT_OTHER, "out of memory");
	/* Fewer pages to fault in: every window fills the list from its beginning. */
	madvise(sightings.all, size, MADV_HUGEPAGE);
	sightings.index = make_index(capacity, sightings.all, sizeof(struct sighting));
	sightings.troubles = malloc(MAX_TROUBLES * sizeof(struct trouble_sighting));
	if (!sightings.troubles)
		fail(EXIT_OTHER, "out of memory");
	sightings.trouble_index = make_index(MAX_TROUBLES, sightings.troubles, sizeof(struct trouble_sighting));
	return sightings;
}

static void map_other(struct flow *flow)
{
	if (flow->nat != NAT_BEFORE && flow->nat != NAT_AFTER)
		return;
	for (int role = 0; role < 2; role++)
		map_address(flow->other[role].addr, flow->other[role].addr[0]);
}

/* Canonical order, as set_key6() of the kernel programs has it. True if the end `a` is side 1. */
static bool comes_second(const struct end *a, const struct end *b)
{
	if (a->port != b->port)
		return a->port > b->port;
	for (int i = 0; i < 4; i++) {
		if (a->addr[i] != b->addr[i])
			return a->addr[i] > b->addr[i];
	}
	return false;
}

static void swap_sides(struct flow *flow)
{
#define SWAP(pair)                                                                                                     \
	do {                                                                                                           \
		__typeof__(pair[0]) first = pair[0];                                                                   \
		pair[0] = pair[1];                                                                                     \
		pair[1] = first;                                                                                       \
	} while (0)
	SWAP(flow->bytes);
	SWAP(flow->packets);
	SWAP(flow->tcp_flags);
	SWAP(flow->fin);
	SWAP(flow->rst);
	SWAP(flow->owner);
#undef SWAP
	flow->ends = (flow->ends & 1) << 1 | (flow->ends & 2) >> 1;
	flow->first_sender = !flow->first_sender;
	flow->syn_from = !flow->syn_from;
	flow->synack_from = !flow->synack_from;
	flow->opener = !flow->opener;
}

/* Turns a sighting that was made behind the translation into the same as if it were made before it. */
static void undo_translation(struct sighting *sighting)
{
	struct flow *flow = &sighting->flow;
	struct key6 *key = &sighting->key;
	int opener = flow->opener;
	struct end client = flow->other[0], service = flow->other[1];
	int opener_before = comes_second(&client, &service);

	for (int role = 0; role < 2; role++) {
		int side = role ? !opener : opener;

		memcpy(flow->other[role].addr, key->addr[side], sizeof(key->addr[side]));
		flow->other[role].port = key->port[side];
	}
	memcpy(key->addr[opener_before], client.addr, sizeof(client.addr));
	memcpy(key->addr[!opener_before], service.addr, sizeof(service.addr));
	key->port[opener_before] = client.port;
	key->port[!opener_before] = service.port;
	if (opener != opener_before)
		swap_sides(flow);
	flow->nat = NAT_BEFORE;
}

static void finish_sighting(struct sightings *sightings, struct sighting *sighting)
{
	if (sighting->flow.nat == NAT_AFTER)
		undo_translation(sighting);
	if (sighting->flow.nat == NAT_BEFORE)
		sightings->translated++;
}

void add_sighting4(struct sightings *sightings, const struct key4 *key, const struct flow *flow)
{
	struct sighting *sighting = &sightings->all[sightings->count++];

	map_key(&sighting->key, key);
	sighting->flow = *flow;
	sighting->trouble = NULL;
	map_other(&sighting->flow);
	finish_sighting(sightings, sighting);
}

void add_sighting6(struct sightings *sightings, const struct key6 *key, const struct flow *flow)
{
	struct sighting *sighting = &sightings->all[sightings->count++];

	sighting->key = *key;
	sighting->flow = *flow;
	sighting->trouble = NULL;
	finish_sighting(sightings, sighting);
}

static __u64 earlier(__u64 a, __u64 b)
{
	return !a || (b && b < a) ? b : a;
}

/* Adds the openings of `from`. One with a SYN of its own is a later connection of the same ports. */
static void add_openings(struct flow *to, const struct flow *from)
{
	bool anew = to->syns && from->syns && to->syn_sequence != from->first_sequence;

	to->reopened += from->reopened + anew;
	to->ended += from->ended;
	if (!to->syns)
		to->first_sequence = from->first_sequence;
	if (anew) {
		to->ended += (to->fin[0] && to->fin[1]) || to->rst[0] || to->rst[1];
		memset(to->fin, 0, sizeof(to->fin));
		memset(to->rst, 0, sizeof(to->rst));
		to->syns = 0;
		to->syn_at = to->synack_at = to->established_at = 0;
	}
	if (from->syns) {
		to->syn_from = from->syn_from;
		to->syn_sequence = from->syn_sequence;
	}
	if (!to->synack_at)
		to->synack_from = from->synack_from;
	to->syns += from->syns;
	to->syn_at = earlier(to->syn_at, from->syn_at);
	to->synack_at = earlier(to->synack_at, from->synack_at);
	to->established_at = earlier(to->established_at, from->established_at);
}

/* Adds what `from` saw to `to`; both are of the same connection in the same order of sides. */
static void add_flow(struct flow *to, const struct flow *from)
{
	add_openings(to, from);
	for (int side = 0; side < 2; side++) {
		to->bytes[side] += from->bytes[side];
		to->packets[side] += from->packets[side];
		to->tcp_flags[side] |= from->tcp_flags[side];
		to->fin[side] |= from->fin[side];
		to->rst[side] |= from->rst[side];
		if (!to->owner[side])
			to->owner[side] = from->owner[side];
	}
	if (from->first < to->first) {
		to->first = from->first;
		to->first_sender = from->first_sender;
		to->ifindex = from->ifindex;
		to->icmp_type = from->icmp_type;
		to->icmp_code = from->icmp_code;
	}
	if (from->last > to->last)
		to->last = from->last;
	to->ends |= from->ends;
	to->unreachable |= from->unreachable;
	to->rtt_sum += from->rtt_sum;
	to->rtt_samples += from->rtt_samples;
	to->rtt_min = earlier(to->rtt_min, from->rtt_min);
	if (from->nat > to->nat) {
		to->nat = from->nat;
		to->opener = from->opener;
		memcpy(to->other, from->other, sizeof(to->other));
	}
}

void add_overflow(struct sightings *sightings, const struct overflow_message *message)
{
	const struct flow *flow = &message->flow;
	struct sighting *last;
	__u32 known;

	if (sightings->count >= sightings->max_overflowed) {
		sightings->lost_packets += flow->packets[0] + flow->packets[1];
		sightings->lost_bytes += flow->bytes[0] + flow->bytes[1];
		return;
	}
	if (message->family == 4)
		add_sighting4(sightings, &message->key4, flow);
	else
		add_sighting6(sightings, &message->key6, flow);
	last = &sightings->all[sightings->count - 1];
	known = index_find(&sightings->index, &last->key);
	if (known == INDEX_NONE) {
		index_add(&sightings->index, sightings->overflowed++);
	} else {
		add_flow(&sightings->all[known].flow, &last->flow);
		sightings->count--;
	}
}

/* Adds the sighting at `position` to the indexed one of the same connection, if there is one, and marks it as gone. */
static bool join_indexed(struct sightings *sightings, size_t position)
{
	__u32 known = index_find(&sightings->index, &sightings->all[position].key);

	if (known == INDEX_NONE)
		return false;
	add_flow(&sightings->all[known].flow, &sightings->all[position].flow);
	sightings->all[position].flow.last = 0;
	return true;
}

/*
 * Several entries of one connection arise only from overflow and from translation, so these are indexed and the others
 * looked up; in most windows of most nodes there is nothing to do. The overflowed ones came first and are indexed.
 */
static void join_flows(struct sightings *sightings)
{
	size_t kept = sightings->overflowed;

	if (!sightings->overflowed && !sightings->translated)
		return;
	for (size_t i = sightings->overflowed; i < sightings->count; i++) {
		if (sightings->all[i].flow.nat == NAT_BEFORE && !join_indexed(sightings, i))
			index_add(&sightings->index, i);
	}
	for (size_t i = sightings->overflowed; i < sightings->count; i++) {
		if (sightings->all[i].flow.nat != NAT_BEFORE)
			join_indexed(sightings, i);
	}
	for (size_t i = sightings->overflowed; i < sightings->count; i++) {
		if (sightings->all[i].flow.last)
			sightings->all[kept++] = sightings->all[i];
	}
	sightings->count = kept;
}

void add_trouble(struct sightings *sightings, const struct key6 *key, const struct trouble *trouble)
{
	struct trouble_sighting *added = &sightings->troubles[sightings->trouble_count];

	if (sightings->trouble_count == MAX_TROUBLES)
		return; /* the map holds no more */
	*added = (struct trouble_sighting){.key = *key, .trouble = *trouble};
	index_add(&sightings->trouble_index, sightings->trouble_count++);
}

/* Gives the sighting the trouble under a key. One that has some gets the sum. */
static void take_trouble(struct sightings *sightings, struct sighting *sighting, const struct key6 *key)
{
	__u32 known = index_find(&sightings->trouble_index, key);
	struct trouble_sighting *found;

	if (known == INDEX_NONE)
		return;
	found = &sightings->troubles[known];
	found->joined = true;
	if (sighting->trouble) {
		found->trouble.dropped_bytes += sighting->trouble->dropped_bytes;
		found->trouble.dropped_packets += sighting->trouble->dropped_packets;
		found->trouble.retransmits += sighting->trouble->retransmits;
		if (!found->trouble.drop_reason)
			found->trouble.drop_reason = sighting->trouble->drop_reason;
	}
	sighting->trouble = &found->trouble;
}

/* The tuple behind the translation, as the server's socket and what is dropped on its way to it have it. */
static struct key6 translated_key(const struct sighting *sighting)
{
	const struct end *ends = sighting->flow.other;
	int second = comes_second(&ends[0], &ends[1]);
	struct key6 key = {.protocol = sighting->key.protocol, .bucket = sighting->key.bucket};

	for (int role = 0; role < 2; role++) {
		int side = role ? !second : second;

		memcpy(key.addr[side], ends[role].addr, sizeof(key.addr[side]));
		key.port[side] = ends[role].port;
	}
	return key;
}

/* A flow of which nothing is known but that a packet was dropped. */
static void add_dropped_flow(struct sightings *sightings, const struct trouble_sighting *trouble)
{
	struct sighting *sighting = &sightings->all[sightings->count++];

	*sighting = (struct sighting){
		.key = trouble->key,
		.flow = {.first = trouble->trouble.last,
			 .last = trouble->trouble.last,
			 .ifindex = trouble->trouble.ifindex,
			 .first_sender = trouble->trouble.sender,
			 .icmp_type = trouble->trouble.icmp_type,
			 .icmp_code = trouble->trouble.icmp_code},
		.trouble = &trouble->trouble,
	};
}

static void join_troubles(struct sightings *sightings)
{
	if (!sightings->trouble_count)
		return;
	for (size_t i = 0; i < sightings->count; i++) {
		struct sighting *sighting = &sightings->all[i];

		take_trouble(sightings, sighting, &sighting->key);
		if (sighting->flow.nat == NAT_BEFORE) {
			struct key6 key = translated_key(sighting);

			take_trouble(sightings, sighting, &key);
		}
	}
	for (size_t i = 0; i < sightings->trouble_count; i++) {
		const struct trouble_sighting *trouble = &sightings->troubles[i];

		if (!trouble->joined && trouble->trouble.here && trouble->trouble.dropped_packets)
			add_dropped_flow(sightings, trouble);
	}
}

void join_sightings(struct sightings *sightings)
{
	join_flows(sightings);
	join_troubles(sightings);
}

void clear_sightings(struct sightings *sightings)
{
	if (sightings->overflowed || sightings->translated)
		index_clear(&sightings->index);
	if (sightings->trouble_count)
		index_clear(&sightings->trouble_index);
	sightings->trouble_count = 0;
	sightings->count = 0;
	sightings->translated = 0;
	sightings->overflowed = 0;
}
