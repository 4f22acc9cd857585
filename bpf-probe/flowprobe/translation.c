// SPDX-License-Identifier: Apache-2.0
#include "translation.h"

#include <stdbool.h>
#include <string.h>

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

/* Sets a key's ends: the client is side `client`. */
static void set_ends(struct key6 *key, const struct end ends[2], int client)
{
	for (int role = 0; role < 2; role++) {
		int side = role ? !client : client;

		memcpy(key->addr[side], ends[role].addr, sizeof(key->addr[side]));
		key->port[side] = ends[role].port;
	}
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

void undo_translation(struct flow *flow)
{
	struct key6 *key = &flow->key6;
	struct end before[2] = {flow->other[0], flow->other[1]};
	int opener = flow->opener, opener_before = comes_second(&before[0], &before[1]);

	for (int role = 0; role < 2; role++) {
		int side = role ? !opener : opener;

		memcpy(flow->other[role].addr, key->addr[side], sizeof(key->addr[side]));
		flow->other[role].port = key->port[side];
	}
	set_ends(key, before, opener_before);
	if (opener != opener_before)
		swap_sides(flow);
	flow->nat = NAT_BEFORE;
}

struct key6 translated_key(const struct flow *flow)
{
	struct key6 key = {.protocol = flow->key6.protocol, .bucket = flow->key6.bucket};

	set_ends(&key, flow->other, comes_second(&flow->other[0], &flow->other[1]));
	return key;
}
