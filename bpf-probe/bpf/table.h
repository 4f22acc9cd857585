/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Hash table from keys to entries of the map `flows`. A bucket is one cache line. Lookups take no lock; a new entry is
 * filled in and then published under the bucket's lock, unless another CPU was faster. Nothing is removed: a bucket of
 * an earlier window counts as empty. Needs BPF spin locks (Linux 5.1). The kernel's own hash map would allocate and
 * free each entry at the cost of several packets.
 */
#ifndef SONDE_TABLE_H
#define SONDE_TABLE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "maps.h"

#define BUCKET_SLOTS 13

/* A slot: the entry's position in its window plus 1 in the low 24 bits, bits of the hash above. */
#define SLOT_POSITION 0xffffff
#define SLOT_TAG      0xff000000

struct hash_bucket {
	struct bpf_spin_lock lock;
	__u32 window; /* number of the window that the slots belong to */
	__u32 used;   /* slots in use; the others are undefined */
	__u32 slots[BUCKET_SLOTS];
};

/* Buckets of even windows, then of odd ones. User space sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct hash_bucket);
} buckets SEC(".maps");

LOAD_SETTING __u32 bucket_mask = 0; /* buckets of a window, a power of two, less one */
LOAD_SETTING __u64 hash_seed = 0;   /* secret, so that senders cannot choose buckets */

struct entry_lock {
	struct bpf_spin_lock lock; /* protects used_entries[] of its window */
};

/* One lock for even windows, one for odd ones. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct entry_lock);
} entry_locks SEC(".maps");

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

/* Allocates an entry of a window. Returns its position, or `capacity` if none is left. */
static __always_inline __u32 alloc_entry(__u32 window)
{
	__u32 parity = window & 1, *used = window & 1 ? &used_entries[1] : &used_entries[0], position;
	struct entry_lock *lock = bpf_map_lookup_elem(&entry_locks, &parity);

	if (!lock)
		return capacity;
	bpf_spin_lock(&lock->lock);
	position = *used;
	if (position < capacity)
		*used = position + 1;
	bpf_spin_unlock(&lock->lock);
	return position;
}

/* Result of a failed lookup: where to insert the key. */
struct insert_hint {
	struct hash_bucket *bucket;
	__u32 used; /* slots in use at the time of the lookup */
	__u32 hash;
};

/*
 * Inserts an entry. Returns false if another CPU inserted one into the same bucket, perhaps with the same key; the
 * packet then goes through the ring buffer, as with a full map.
 */
static __always_inline bool publish(const struct insert_hint *hint, __u32 window, __u32 position)
{
	__u32 entry = (position + 1) | (hint->hash & SLOT_TAG), used = hint->used;
	struct hash_bucket *bucket = hint->bucket;
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
