// SPDX-License-Identifier: Apache-2.0
#include "flows/index.h"
#include "exit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __u64 seed;

struct index create_index(__u32 capacity, const struct key6 *keys, size_t stride)
{
	struct index index = {.mask = 15, .keys = keys, .stride = stride};

	if (!seed && getentropy(&seed, sizeof(seed)))
		fail(EXIT_OTHER, "cannot read random numbers");
	while (index.mask + 1 < capacity * 2)
		index.mask = index.mask * 2 + 1;
	index.slots = calloc(index.mask + 1, sizeof(*index.slots));
	if (!index.slots)
		fail(EXIT_OTHER, "out of memory");
	return index;
}

static const struct key6 *key_at(const struct index *index, __u32 position)
{
	return (const struct key6 *)((const char *)index->keys + position * index->stride);
}

/* Multiplies and folds each 64-bit word of the key. Keys come from packets: the seed keeps senders from choosing slots.
 */
static __u32 hash(const struct key6 *key)
{
	__u64 words[sizeof(*key) / sizeof(__u64)], value = seed;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		value = (value ^ words[i]) * 0x9E3779B97F4A7C15ull;
		value ^= value >> 32;
	}
	return value;
}

__u32 index_find(const struct index *index, const struct key6 *key)
{
	for (__u32 slot = hash(key) & index->mask; index->slots[slot]; slot = (slot + 1) & index->mask) {
		__u32 position = index->slots[slot] - 1;

		if (memcmp(key_at(index, position), key, sizeof(*key)) == 0)
			return position;
	}
	return INDEX_NONE;
}

void index_prefetch(const struct index *index, const struct key6 *key)
{
	__builtin_prefetch(&index->slots[hash(key) & index->mask]);
}

void index_add(struct index *index, __u32 position)
{
	__u32 slot = hash(key_at(index, position)) & index->mask;

	while (index->slots[slot])
		slot = (slot + 1) & index->mask;
	index->slots[slot] = position + 1;
}

void index_remove(struct index *index, __u32 position)
{
	__u32 slot = hash(key_at(index, position)) & index->mask;
	__u32 next;

	while (index->slots[slot] != position + 1)
		slot = (slot + 1) & index->mask;
	/* Close the gap: move elements that could no longer be found. */
	for (next = (slot + 1) & index->mask; index->slots[next]; next = (next + 1) & index->mask) {
		__u32 home = hash(key_at(index, index->slots[next] - 1)) & index->mask;

		if (((next - home) & index->mask) >= ((next - slot) & index->mask)) {
			index->slots[slot] = index->slots[next];
			slot = next;
		}
	}
	index->slots[slot] = 0;
}

void index_clear(struct index *index)
{
	memset(index->slots, 0, (index->mask + 1) * sizeof(*index->slots));
}
