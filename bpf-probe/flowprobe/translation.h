/* SPDX-License-Identifier: Apache-2.0 */
/* A flow's two tuples where NAT translated it: the one that the client used, and the one that the server sees. */
#ifndef SONDE_TRANSLATION_H
#define SONDE_TRANSLATION_H

#include "flow.h"

/* Turns a flow that was seen behind the translation into the same as if it were seen before it. */
void undo_translation(struct flow *flow);

/* The tuple behind the translation of a flow that was seen before it, as the server's socket has it. */
struct key6 translated_key(const struct flow *flow);

#endif
