/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window's flows as the kernel programs saw them, brought to one a connection: packets that found no room in the map
 * are added to their flow, and what was seen of a connection before and after NAT is put together. All in place, in the
 * map's own memory.
 */
#ifndef SONDE_SIGHTINGS_H
#define SONDE_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include "flow.h"
#include "index.h"

struct trouble_sighting {
	struct key6 key;
	struct trouble trouble;
	bool joined; /* with a flow */
};

struct sightings {
	/*
	 * First room for flows that are not in the map, then the map's two halves. Once taken, a flow's key is a key6
	 * with IPv4 mapped into IPv6; after join_sightings() it is the tuple that the client used (before NAT), and
	 * `other` is, where `nat` is NAT_BEFORE, what it was translated to. Without a family it is none.
	 */
	struct flow *all;
	size_t capacity; /* of the map for a window */
	size_t room;	 /* for flows that are not in the map */
	size_t first;	 /* position of the window's half */
	size_t count;	 /* entries of it */
	size_t extra;	 /* flows that are not in the map: those that overflowed, then those that were only dropped */
	bool translated; /* some have a translation */
	struct index index;
	struct trouble_sighting *troubles;
	size_t trouble_count;
	struct index trouble_index;
	__u64 lost_packets, lost_bytes; /* of overflow messages beyond the room for them, since the start */
};

/* `map`: the descriptor of the map `flows`, which holds `capacity` entries for each of two windows. */
struct sightings make_sightings(int map, size_t capacity);

/* Takes the `count` entries of an even window (parity 0) or an odd one, which nothing writes to any more. */
void take_window(struct sightings *sightings, unsigned parity, size_t count);

/* Adds a packet that found no room in the map. */
void add_overflow(struct sightings *sightings, const struct overflow_message *message);

/* Adds what went wrong with a flow. */
void add_trouble(struct sightings *sightings, const struct key6 *key, const struct trouble *trouble);

/*
 * Leaves one flow a connection, with its troubles. Drops in this network namespace of packets of no flow (they were
 * dropped before they reached a watched interface) become flows without packets; other troubles without a flow belong
 * to other nodes or programs and are left out.
 */
void join_sightings(struct sightings *sightings);

/* The flow at position 0 to sightings_size() - 1; NULL if there is none. */
static inline struct flow *sighting_at(const struct sightings *sightings, size_t position)
{
	struct flow *flow = position < sightings->extra
				    ? &sightings->all[position]
				    : &sightings->all[sightings->first + position - sightings->extra];

	return flow->family ? flow : NULL;
}

static inline size_t sightings_size(const struct sightings *sightings)
{
	return sightings->extra + sightings->count;
}

/* NULL if nothing went wrong with the flow. */
static inline const struct trouble *trouble_of(const struct sightings *sightings, const struct flow *flow)
{
	return flow->trouble ? &sightings->troubles[flow->trouble - 1].trouble : NULL;
}

/* Gives the window's entries back to the kernel, zeroed; the losses stay, as they are cumulative. */
void clear_sightings(struct sightings *sightings);

#endif
