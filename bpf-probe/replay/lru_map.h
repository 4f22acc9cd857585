/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map of fixed size that evicts the least recently used entry: BPF_MAP_TYPE_LRU_HASH. */
#ifndef SONDE_LRU_MAP_H
#define SONDE_LRU_MAP_H

#include <linux/types.h>

struct lru_map;

/* Sizes are in bytes; that of a key is a multiple of 4. */
struct lru_map *create_lru_map(__u32 capacity, __u32 key_size, __u32 value_size);

/* The value of a key, which becomes the most recently used one; NULL if there is none. */
void *lru_map_find(struct lru_map *map, const void *key);

/* Sets the value of a key. */
void lru_map_put(struct lru_map *map, const void *key, const void *value);

#endif
