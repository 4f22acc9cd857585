// SPDX-License-Identifier: Apache-2.0
#include "flows/nat.h"

#include <stdbool.h>
#include <string.h>

/* Canonical order, as in set_key6() of the kernel programs. True if `a` is side 1. */
static bool is_second(const struct endpoint *a, const struct endpoint *b)
{
	if (a->port != b->port)
		return a->port > b->port;
	for (int i = 0; i < 4; i++) {
		if (a->addr[i] != b->addr[i])
			return a->addr[i] > b->addr[i];
	}
	return false;
}

/* Sets the endpoints of a key; the client is side `client`. */
static void set_endpoints(struct key6 *key, const struct endpoint ends[2], int client)
{
	for (int role = 0; role < 2; role++) {
		int side = role ? !client : client;

		memcpy(key->addr[side], ends[role].addr, sizeof(key->addr[side]));
		key->port[side] = ends[role].port;
	}
}

struct key6 endpoints_key(const struct endpoint ends[2], __u8 protocol, int *side)
{
	struct key6 key = {.protocol = protocol};

	*side = is_second(&ends[0], &ends[1]);
	set_endpoints(&key, ends, *side);
	return key;
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
	SWAP(flow->earlier_fin);
	SWAP(flow->rst);
	SWAP(flow->pid);
	SWAP(flow->data_next);
	SWAP(flow->data_begin);
	SWAP(flow->resent);
#undef SWAP
	flow->local_sides = (flow->local_sides & 1) << 1 | (flow->local_sides & 2) >> 1;
	flow->sequences = (flow->sequences & 1) << 1 | (flow->sequences & 2) >> 1;
	flow->first_sender = !flow->first_sender;
	flow->syn_from = !flow->syn_from;
	flow->synack_from = !flow->synack_from;
	flow->initiator = !flow->initiator;
}

void undo_translation(struct flow *flow)
{
	struct key6 *key = &flow->key6;
	struct endpoint before[2] = {flow->nat_tuple[0], flow->nat_tuple[1]};
	int initiator = flow->initiator, initiator_before = is_second(&before[0], &before[1]);

	for (int role = 0; role < 2; role++) {
		int side = role ? !initiator : initiator;

		memcpy(flow->nat_tuple[role].addr, key->addr[side], sizeof(key->addr[side]));
		flow->nat_tuple[role].port = key->port[side];
	}
	set_endpoints(key, before, initiator_before);
	if (initiator != initiator_before)
		swap_sides(flow);
	flow->nat = NAT_KEY_ORIGINAL;
}

struct key6 translated_key(const struct flow *flow)
{
	struct key6 key = {.protocol = flow->key6.protocol, .key_kind = flow->key6.key_kind};

	set_endpoints(&key, flow->nat_tuple, is_second(&flow->nat_tuple[0], &flow->nat_tuple[1]));
	return key;
}
