// SPDX-License-Identifier: Apache-2.0
#include "lru_map.h"
#include "memory.h"

#include <stdbool.h>
#include <string.h>

/* Entries of a set; the map evicts within one. */
#define WAYS 16

struct lru_map {
	__u32 sets; /* a power of two */
	__u32 key_size, value_size, stride;
	__u64 clock;   /* counts uses */
	__u64 *used;   /* when each entry was last used; 0 if it is free */
	__u8 *entries; /* key, then value */
};

struct lru_map *create_lru_map(__u32 capacity, __u32 key_size, __u32 value_size)
{
	struct lru_map *map = reserve_memory(sizeof(*map));

	map->sets = 1;
	while (map->sets * WAYS < capacity)
		map->sets *= 2;
	map->key_size = key_size;
	map->value_size = value_size;
	map->stride = (key_size + value_size + 7) & ~7u;
	map->used = reserve_memory((size_t)map->sets * WAYS * sizeof(*map->used));
	map->entries = reserve_memory((size_t)map->sets * WAYS * map->stride);
	return map;
}

/* The first entry of a key's set. */
static __u32 find_set(const struct lru_map *map, const __u8 *key)
{
	__u64 hash = 0;

	for (__u32 at = 0; at < map->key_size; at += 4) {
		__u32 word;

		memcpy(&word, key + at, sizeof(word));
		hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
		hash ^= hash >> 32;
	}
	return ((__u32)hash & (map->sets - 1)) * WAYS;
}

static __u8 *entry_of(const struct lru_map *map, __u32 position)
{
	return map->entries + (size_t)position * map->stride;
}

static bool has_key(const struct lru_map *map, __u32 position, const void *key)
{
	return map->used[position] && memcmp(entry_of(map, position), key, map->key_size) == 0;
}

void *lru_map_find(struct lru_map *map, const void *key)
{
	__u32 set = find_set(map, key);

	for (__u32 position = set; position < set + WAYS; position++) {
		if (has_key(map, position, key)) {
			map->used[position] = ++map->clock;
			return entry_of(map, position) + map->key_size;
		}
	}
	return NULL;
}

void lru_map_put(struct lru_map *map, const void *key, const void *value)
{
	void *known = lru_map_find(map, key);
	__u32 set = find_set(map, key), oldest = set;

	if (!known) {
		for (__u32 position = set; position < set + WAYS; position++) {
			if (map->used[position] < map->used[oldest])
				oldest = position;
		}
		map->used[oldest] = ++map->clock;
		memcpy(entry_of(map, oldest), key, map->key_size);
		known = entry_of(map, oldest) + map->key_size;
	}
	memcpy(known, value, map->value_size);
}
