/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window's flows as the kernel programs saw them, brought to one entry a connection: packets that found their map
 * full are added to their flow, and what was seen of a connection before and after NAT is put together.
 */
#ifndef SONDE_SIGHTINGS_H
#define SONDE_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include "flow.h"
#include "index.h"

/*
 * One connection. After join_sightings() the key is the tuple that the client used (before NAT) and `flow.other`,
 * where flow.nat is NAT_BEFORE, what it was translated to.
 */
struct sighting {
	struct key6 key; /* IPv4 mapped into IPv6 */
	struct flow flow;
	const struct trouble *trouble; /* NULL if there was none */
};

struct trouble_sighting {
	struct key6 key;
	struct trouble trouble;
	bool joined; /* with a flow */
};

struct sightings {
	struct sighting *all;
	size_t count;
	size_t overflowed; /* how many of them overflow messages began; they are the first */
	size_t max_overflowed;
	size_t translated; /* how many have a translation */
	struct index index;
	struct trouble_sighting *troubles;
	size_t trouble_count;
	struct index trouble_index;
	__u64 lost_packets, lost_bytes; /* of overflow messages beyond the room for them, since the start */
};

/* Room for `max_flows` flows of each map and as many that found their map full. */
struct sightings make_sightings(__u32 max_flows);

void add_sighting4(struct sightings *sightings, const struct key4 *key, const struct flow *flow);
void add_sighting6(struct sightings *sightings, const struct key6 *key, const struct flow *flow);

/* Adds a packet that found its map full. */
void add_overflow(struct sightings *sightings, const struct overflow_message *message);

/* Adds what went wrong with a flow. */
void add_trouble(struct sightings *sightings, const struct key6 *key, const struct trouble *trouble);

/*
 * Leaves one entry a connection, with its troubles. Drops in this network namespace of packets of no flow (they were
 * dropped before they reached a watched interface) become flows without packets; other troubles without a flow belong
 * to other nodes or programs and are left out.
 */
void join_sightings(struct sightings *sightings);

/* Empties the list for the next window; the losses stay, as they are cumulative. */
void clear_sightings(struct sightings *sightings);

#endif
