// SPDX-License-Identifier: Apache-2.0
#include "kernel/window.h"
#include "exit.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <unistd.h>

/* Entries per system call; the buffers stay in the CPU cache. */
#define BATCH 1024

struct window {
	struct flowprobe_bpf *bpf;
	int barrier[2]; /* map of maps and the map in it, see wait_for_programs() */
	struct key6 keys[BATCH];
	struct flow_health health[BATCH];
};

struct window *open_window(struct flowprobe_bpf *bpf)
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
		fail(EXIT_KERNEL, "cannot create a map of maps: %s", strerror(errno));
	return window;
}

/*
 * Waits until every running program has ended: on an update of a map of maps the kernel waits for programs that may
 * still use the replaced map (maybe_wait_bpf_programs() in kernel/bpf/syscall.c).
 */
static void wait_for_programs(const struct window *window)
{
	__u32 index = 0;

	if (bpf_map_update_elem(window->barrier[0], &index, &window->barrier[1], BPF_ANY))
		fail(EXIT_KERNEL, "cannot wait for the kernel programs: %s", strerror(errno));
}

/* Moves the entries of a health map to the window's flows. */
static void drain_health_map(struct window *window, const struct bpf_map *map, struct window_flows *flows)
{
	__u32 position = 0;
	bool begun = false, ended = false;

	while (!ended) {
		__u32 count = BATCH;

		if (bpf_map_lookup_and_delete_batch(bpf_map__fd(map), begun ? &position : NULL, &position, window->keys,
						    window->health, &count, NULL)) {
			if (errno != ENOENT)
				fail(EXIT_KERNEL, "cannot read the map %s: %s", bpf_map__name(map), strerror(errno));
			ended = true;
		}
		begun = true;
		for (__u32 i = 0; i < count; i++)
			add_flow_health(flows, &window->keys[i], &window->health[i]);
	}
}

void end_window(struct window *window, struct window_flows *flows)
{
	struct flowprobe_bpf *bpf = window->bpf;
	__u32 ended = bpf->bss->window.number & 1;

	__atomic_store_n(&bpf->bss->window.number, bpf->bss->window.number + 1, __ATOMIC_RELEASE);
	wait_for_programs(window);
	load_window_flows(flows, ended, bpf->bss->used_entries[ended]);
	drain_health_map(window, ended ? bpf->maps.health_odd : bpf->maps.health_even, flows);
	bpf->bss->used_entries[ended] = 0;
}
