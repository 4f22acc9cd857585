/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Finds flows by their keys: a hash table whose buckets, each one cache line, point to the entries of the map `flows`.
 * Looking up takes no lock; a new entry is filled in first and then published in its bucket, under the bucket's lock,
 * where another CPU has not taken the place. Nothing is ever removed: a bucket that was used in an earlier window is
 * empty. Works on every kernel that has locks for programs (Linux 5.1); a kernel's own hash map would make each entry
 * and give it back at a cost of several packets.
 */
#ifndef SONDE_TABLE_H
#define SONDE_TABLE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "maps.h"

#define BUCKET_SLOTS 13

/* Of each slot, the low 24 bits are the entry's position in its window, plus one; the others are bits of the hash. */
#define SLOT_POSITION 0xffffff
#define SLOT_TAG      0xff000000

struct hash_bucket {
	struct bpf_spin_lock lock;
	__u32 window; /* number of the window that the slots are of */
	__u32 used;   /* slots; the others hold anything */
	__u32 slots[BUCKET_SLOTS];
};

/* For the even windows, and behind them for the odd ones. The size is set by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct hash_bucket);
} buckets SEC(".maps");

const volatile __u32 bucket_mask = 0; /* buckets of a window, a power of two, less one */
const volatile __u64 hash_seed = 0;   /* secret: keeps senders from choosing buckets */

struct taking {
	struct bpf_spin_lock lock; /* guards entries[], each that of its window */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct taking);
} takings SEC(".maps");

/* Mixes one more word of a key into its hash. */
static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
	return hash ^ hash >> 32;
}

static __always_inline struct hash_bucket *find_bucket(__u32 window, __u32 hash)
{
	__u32 index = (hash & bucket_mask) + (window & 1 ? bucket_mask + 1 : 0);

	return bpf_map_lookup_elem(&buckets, &index);
}

static __always_inline struct flow *entry_at(__u32 window, __u32 position)
{
	__u32 index = position + (window & 1 ? capacity : 0);

	return bpf_map_lookup_elem(&flows, &index);
}

/* Takes a window's next entry; its position, or `capacity` if there is none left. */
static __always_inline __u32 take_entry(__u32 window)
{
	__u32 parity = window & 1, *taken = window & 1 ? &entries[1] : &entries[0], position;
	struct taking *taking = bpf_map_lookup_elem(&takings, &parity);

	if (!taking)
		return capacity;
	bpf_spin_lock(&taking->lock);
	position = *taken;
	if (position < capacity)
		*taken = position + 1;
	bpf_spin_unlock(&taking->lock);
	return position;
}

/* Where a key belongs. */
struct place {
	struct hash_bucket *bucket;
	__u32 used; /* slots of the bucket when the key was looked for */
	__u32 hash;
};

/*
 * Puts an entry into its place. False if another CPU was faster; it may have put in the same key. The packet then goes
 * the way of those that find the map full.
 */
static __always_inline bool publish(const struct place *place, __u32 window, __u32 position)
{
	__u32 entry = (position + 1) | (place->hash & SLOT_TAG), used = place->used;
	struct hash_bucket *bucket = place->bucket;
	bool won;

	if (!bucket || used >= BUCKET_SLOTS)
		return false;
	bpf_spin_lock(&bucket->lock);
	if (bucket->window != window) {
		bucket->used = 0;
		bucket->window = window;
	}
	won = bucket->used == used;
	if (won) {
		bucket->slots[used] = entry;
		bucket->used = used + 1;
	}
	bpf_spin_unlock(&bucket->lock);
	return won;
}

#endif
