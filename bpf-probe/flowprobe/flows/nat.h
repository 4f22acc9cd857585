/* SPDX-License-Identifier: Apache-2.0 */
/* The two tuples of a flow with NAT: the original one (the client's) and the translated one (the server's). */
#ifndef SONDE_TRANSLATION_H
#define SONDE_TRANSLATION_H

#include "flow.h"

/* Converts a flow with the translated tuple as key to the original tuple. */
void undo_translation(struct flow *flow);

/* Returns the translated tuple of a flow with the original one as key. */
struct key6 translated_key(const struct flow *flow);

#endif
