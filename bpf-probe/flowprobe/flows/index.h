/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash index from keys to positions in an array of the caller, which holds the keys. Open addressing with linear
 * probing; at most half full.
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
 * Creates an index for `capacity` positions of an array whose first element has its key at `keys` and whose elements
 * are `stride` bytes long. Exits if out of memory.
 */
struct index create_index(__u32 capacity, const struct key6 *keys, size_t stride);

/* The position of `key`, or INDEX_NONE. */
__u32 index_find(const struct index *index, const struct key6 *key);

/* Prefetches the memory that index_find() reads for `key`. */
void index_prefetch(const struct index *index, const struct key6 *key);

/* Adds the element at `position`, whose key must not be in the index. */
void index_add(struct index *index, __u32 position);

/* Removes the element at `position`, which must be in the index. */
void index_remove(struct index *index, __u32 position);

void index_clear(struct index *index);

#endif
