// SPDX-License-Identifier: Apache-2.0
#include "sightings.h"
#include "exit.h"
#include "mapped.h"
#include "translation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As many as the kernel programs' maps hold. */
#define MAX_TROUBLES 16384

static size_t whole_pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

struct sightings make_sightings(int map, size_t capacity)
{
	struct sightings sightings = {.capacity = capacity};
	size_t own = whole_pages((capacity + MAX_TROUBLES) * sizeof(struct flow));
	size_t mapped = whole_pages(2 * capacity * sizeof(struct flow));
	/* Our own part takes memory only as far as it is used; the map's takes the place of what is reserved for it. */
	char *all =
		mmap(NULL, own + mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED)
		fail(EXIT_OTHER, "out of memory");
	if (mmap(all + own, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, map, 0) == MAP_FAILED)
		fail(EXIT_KERNEL, "cannot map the flows into memory: %s", strerror(errno));
	sightings.all = (struct flow *)all;
	sightings.room = own / sizeof(struct flow);
	sightings.index = make_index(sightings.room + 2 * capacity, &sightings.all->key6, sizeof(struct flow));
	sightings.troubles = malloc(MAX_TROUBLES * sizeof(struct trouble_sighting));
	if (!sightings.troubles)
		fail(EXIT_OTHER, "out of memory");
	sightings.trouble_index = make_index(MAX_TROUBLES, &sightings.troubles->key, sizeof(struct trouble_sighting));
	return sightings;
}

/* Brings a flow to what sightings promise of it. */
static void take_flow(struct sightings *sightings, struct flow *flow)
{
	bool translated = flow->nat == NAT_BEFORE || flow->nat == NAT_AFTER;

	if (flow->family == 4) {
		struct key4 key = flow->key4;

		map_key(&flow->key6, &key);
		for (int role = 0; translated && role < 2; role++)
			map_address(flow->other[role].addr, flow->other[role].addr[0]);
	}
	if (flow->nat == NAT_AFTER)
		undo_translation(flow);
	sightings->translated |= translated;
}

void take_window(struct sightings *sightings, unsigned parity, size_t count)
{
	sightings->first = sightings->room + (parity ? sightings->capacity : 0);
	sightings->count = count;
	for (size_t i = 0; i < count; i++)
		take_flow(sightings, &sightings->all[sightings->first + i]);
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
		to->earlier_fin[side] |= from->earlier_fin[side];
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
	struct flow *added = &sightings->all[sightings->extra];
	__u32 known;

	if (sightings->extra >= sightings->capacity) {
		sightings->lost_packets += message->flow.packets[0] + message->flow.packets[1];
		sightings->lost_bytes += message->flow.bytes[0] + message->flow.bytes[1];
		return;
	}
	memcpy(added, &message->flow, sizeof(*added));
	take_flow(sightings, added);
	known = index_find(&sightings->index, &added->key6);
	if (known == INDEX_NONE)
		index_add(&sightings->index, sightings->extra++);
	else
		add_flow(&sightings->all[known], added);
}

/* Adds a flow to the indexed one of the same connection, if there is one; then it is none any more. */
static bool join_indexed(struct sightings *sightings, struct flow *flow)
{
	__u32 known = index_find(&sightings->index, &flow->key6);

	if (known == INDEX_NONE)
		return false;
	add_flow(&sightings->all[known], flow);
	flow->family = 0;
	return true;
}

/*
 * Several entries of one connection arise only from overflow and from translation, so these are indexed and the others
 * looked up; in most windows of most nodes there is nothing to do. The overflowed ones are indexed already.
 */
static void join_flows(struct sightings *sightings)
{
	size_t end = sightings->first + sightings->count;

	if (!sightings->extra && !sightings->translated)
		return;
	for (size_t i = sightings->first; i < end; i++) {
		struct flow *flow = &sightings->all[i];

		if (flow->family && flow->nat == NAT_BEFORE && !join_indexed(sightings, flow))
			index_add(&sightings->index, i);
	}
	for (size_t i = sightings->first; i < end; i++) {
		struct flow *flow = &sightings->all[i];

		if (flow->family && flow->nat != NAT_BEFORE)
			join_indexed(sightings, flow);
	}
}

void add_trouble(struct sightings *sightings, const struct key6 *key, const struct trouble *trouble)
{
	struct trouble_sighting *added = &sightings->troubles[sightings->trouble_count];

	if (sightings->trouble_count == MAX_TROUBLES)
		return; /* the map holds no more */
	*added = (struct trouble_sighting){.key = *key, .trouble = *trouble};
	index_add(&sightings->trouble_index, sightings->trouble_count++);
}

/* Gives the flow the trouble under a key. One that has some gets the sum. */
static void take_trouble(struct sightings *sightings, struct flow *flow, const struct key6 *key)
{
	const struct trouble *former = trouble_of(sightings, flow);
	__u32 known = index_find(&sightings->trouble_index, key);
	struct trouble_sighting *found;

	if (known == INDEX_NONE)
		return;
	found = &sightings->troubles[known];
	found->joined = true;
	if (former) {
		found->trouble.dropped_bytes += former->dropped_bytes;
		found->trouble.dropped_packets += former->dropped_packets;
		found->trouble.retransmits += former->retransmits;
		if (!found->trouble.drop_reason)
			found->trouble.drop_reason = former->drop_reason;
	}
	flow->trouble = known + 1;
}

/* A flow of which nothing is known but that a packet was dropped. */
static void add_dropped_flow(struct sightings *sightings, size_t position)
{
	const struct trouble_sighting *dropped = &sightings->troubles[position];

	sightings->all[sightings->extra++] = (struct flow){
		.family = 6,
		.key6 = dropped->key,
		.first = dropped->trouble.last,
		.last = dropped->trouble.last,
		.ifindex = dropped->trouble.ifindex,
		.first_sender = dropped->trouble.sender,
		.icmp_type = dropped->trouble.icmp_type,
		.icmp_code = dropped->trouble.icmp_code,
		.trouble = position + 1,
	};
}

static void join_troubles(struct sightings *sightings)
{
	if (!sightings->trouble_count)
		return;
	for (size_t i = 0; i < sightings_size(sightings); i++) {
		struct flow *flow = sighting_at(sightings, i);

		if (!flow)
			continue;
		take_trouble(sightings, flow, &flow->key6);
		if (flow->nat == NAT_BEFORE) {
			struct key6 key = translated_key(flow);

			take_trouble(sightings, flow, &key);
		}
	}
	for (size_t i = 0; i < sightings->trouble_count; i++) {
		const struct trouble_sighting *trouble = &sightings->troubles[i];

		if (!trouble->joined && trouble->trouble.here && trouble->trouble.dropped_packets)
			add_dropped_flow(sightings, i);
	}
}

void join_sightings(struct sightings *sightings)
{
	join_flows(sightings);
	join_troubles(sightings);
}

void clear_sightings(struct sightings *sightings)
{
	memset(&sightings->all[sightings->first], 0, sightings->count * sizeof(struct flow));
	if (sightings->extra || sightings->translated)
		index_clear(&sightings->index);
	if (sightings->trouble_count)
		index_clear(&sightings->trouble_index);
	sightings->trouble_count = 0;
	sightings->count = 0;
	sightings->extra = 0;
	sightings->translated = false;
}
