/* SPDX-License-Identifier: Apache-2.0 */
/* The two tuples of a flow with NAT: the original one (the client's) and the translated one (the server's). */
#ifndef SONDE_NAT_H
#define SONDE_NAT_H

#include "flow.h"

/* The key of a connection between two endpoints with IPv4 mapped into IPv6; sets `side` to that of the first. */
struct key6 endpoints_key(const struct endpoint ends[2], __u8 protocol, int *side);

/* Converts a flow with the translated tuple as key to the original tuple. */
void undo_translation(struct flow *flow);

/* Returns the translated tuple of a flow with the original one as key. */
struct key6 translated_key(const struct flow *flow);

#endif
