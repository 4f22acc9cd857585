/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash index from connection keys to positions in an array of the caller's. Open addressing with linear probing;
 * it never fills beyond half. Keys stay where the caller has them.
 */
#ifndef SONDE_INDEX_H
#define SONDE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "flow.h"

#define INDEX_NONE 0xffffffffu

struct index {
	__u32 *slots; /* position + 1; 0 is free */
	__u32 mask;
	const void *keys; /* the key of the first element */
	size_t stride;
};

/*
 * Room for `capacity` positions in an array whose first element has its key at `keys`, and whose elements are `stride`
 * bytes long. Ends the process if there is no memory.
 */
struct index make_index(__u32 capacity, const struct key6 *keys, size_t stride);

/* The position of `key`, or INDEX_NONE. */
__u32 index_find(const struct index *index, const struct key6 *key);

/* Begins to load from memory where `key` is looked for, as its position will soon be asked for. */
void index_prefetch(const struct index *index, const struct key6 *key);

/* Adds the element at `position`, whose key must not be in the index. */
void index_add(struct index *index, __u32 position);

/* Takes the element at `position`, which must be in the index, out of it. */
void index_remove(struct index *index, __u32 position);

void index_clear(struct index *index);

#endif
