// SPDX-License-Identifier: Apache-2.0
#include "copies.h"
#include "memory.h"

#include <string.h>

/* A packet passes the interfaces of a node within this time. */
#define MAX_DELAY_NANOS 1000000000ull

/* Interfaces that a packet passes: of a pod, a bridge, a tunnel, an uplink. */
#define MAX_INTERFACES 6

/* The packets of the last moment: sets of WAYS entries, in which a new packet replaces the oldest. */
#define SETS 8192
#define WAYS 8

struct sighted_packet {
	__u64 hash;
	__u64 last; /* when it was last seen; 0 if the entry is free */
	__u32 counted;
	__u32 interfaces; /* in use of the following */
	__u32 interface[MAX_INTERFACES];
	__u32 seen[MAX_INTERFACES];
};

static struct sighted_packet *packets;

static struct sighted_packet *find_packet(__u64 hash, __u64 now)
{
	struct sighted_packet *set = &packets[(hash & (SETS - 1)) * WAYS], *oldest = set;

	for (struct sighted_packet *packet = set; packet < set + WAYS; packet++) {
		if (packet->last && packet->hash == hash && now - packet->last <= MAX_DELAY_NANOS)
			return packet;
		if (packet->last < oldest->last)
			oldest = packet;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->hash = hash;
	return oldest;
}

bool is_copy(__u64 hash, __u32 interface, __u64 now)
{
	struct sighted_packet *packet;
	__u32 i = 0;

	if (!packets)
		packets = reserve_memory(SETS * WAYS * sizeof(*packets));
	packet = find_packet(hash, now);
	packet->last = now;
	while (i < packet->interfaces && packet->interface[i] != interface)
		i++;
	if (i == MAX_INTERFACES)
		return true;
	if (i == packet->interfaces)
		packet->interface[packet->interfaces++] = interface;
	if (++packet->seen[i] <= packet->counted)
		return true;
	packet->counted++;
	return false;
}
