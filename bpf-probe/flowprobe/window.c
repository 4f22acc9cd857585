// SPDX-License-Identifier: Apache-2.0
#include "window.h"
#include "clock.h"
#include "exit.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <unistd.h>

/* Entries a system call; enough to make its cost vanish, small enough to stay in the cache. */
#define BATCH 1024

struct window {
	struct flowprobe_bpf *bpf;
	__u64 drain_nanos;
	int barrier[2]; /* map of maps and the map in it, see wait_for_programs() */
	union {
		struct key4 keys4[BATCH];
		struct key6 keys6[BATCH];
	};
	union {
		struct flow flows[BATCH];
		struct trouble troubles[BATCH];
	};
};

struct window *open_window(struct flowprobe_bpf *bpf, __u32 max_flows)
{
	struct window *window = calloc(1, sizeof(*window));
	LIBBPF_OPTS(bpf_map_create_opts, options);

	if (!window)
		fail(EXIT_OTHER, "out of memory");
	window->bpf = bpf;
	window->barrier[1] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sonde_inner", 4, 4, 1, NULL);
	options.inner_map_fd = window->barrier[1];
	window->barrier[0] = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "sonde_barrier", 4, 4, 1, &options);
	if (window->barrier[0] < 0 || window->barrier[1] < 0)
		fail(EXIT_KERNEL, "cannot make a map of maps: %s", strerror(errno));
	return window;
}

/*
 * Returns when every program that was running has ended. Updating a map of maps promises that: the kernel waits, as a
 * program may still use the map that was replaced (maybe_wait_bpf_programs() in kernel/bpf/syscall.c).
 */
static void wait_for_programs(const struct window *window)
{
	__u32 index = 0;

	if (bpf_map_update_elem(window->barrier[0], &index, &window->barrier[1], BPF_ANY))
		fail(EXIT_KERNEL, "cannot wait for the kernel programs: %s", strerror(errno));
}

/* What a map's entries are. */
enum content { FLOWS4, FLOWS6, TROUBLES };

/* Moves one map's entries to the list. */
static void drain(struct window *window, const struct bpf_map *map, enum content content, struct sightings *sightings)
{
	__u32 position = 0;
	bool begun = false, ended = false;

	while (!ended) {
		__u32 count = BATCH;

		if (bpf_map_lookup_and_delete_batch(bpf_map__fd(map), begun ? &position : NULL, &position,
						    window->keys4, window->flows, &count, NULL)) {
			if (errno != ENOENT)
				fail(EXIT_KERNEL, "cannot read the map %s: %s", bpf_map__name(map), strerror(errno));
			ended = true;
		}
		begun = true;
		for (__u32 i = 0; i < count; i++) {
			if (content == FLOWS4)
				add_sighting4(sightings, &window->keys4[i], &window->flows[i]);
			else if (content == FLOWS6)
				add_sighting6(sightings, &window->keys6[i], &window->flows[i]);
			else
				add_trouble(sightings, &window->keys6[i], &window->troubles[i]);
		}
	}
}

void end_window(struct window *window, struct sightings *sightings)
{
	struct flowprobe_bpf *bpf = window->bpf;
	__u32 ended = bpf->bss->window.number & 1;
	__u64 begun;

	__atomic_store_n(&bpf->bss->window.number, bpf->bss->window.number + 1, __ATOMIC_RELEASE);
	wait_for_programs(window);
	begun = clock_nanos(CLOCK_THREAD_CPUTIME_ID);
	drain(window, ended ? bpf->maps.flows4_odd : bpf->maps.flows4_even, FLOWS4, sightings);
	drain(window, ended ? bpf->maps.flows6_odd : bpf->maps.flows6_even, FLOWS6, sightings);
	drain(window, ended ? bpf->maps.troubles_odd : bpf->maps.troubles_even, TROUBLES, sightings);
	bpf->bss->entries[ended] = 0;
	window->drain_nanos += clock_nanos(CLOCK_THREAD_CPUTIME_ID) - begun;
}

__u64 drain_micros(const struct window *window)
{
	return window->drain_nanos / 1000;
}
