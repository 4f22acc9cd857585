// SPDX-License-Identifier: Apache-2.0
#include "processes/processes.h"
#include "flow.h"
#include "output/names.h"
#include "flowprobe.skel.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

/* Direct-mapped cache: most flows of a window belong to few processes. */
#define CACHE_SIZE 1024

static struct {
	__u32 process; /* 0: free */
	struct process_info info;
} cache[CACHE_SIZE];

/* Mount points of cgroup v2, also in hybrid mode. `ip netns exec` hides both; --netns does not. */
int open_root_cgroup(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct statfs system;

		if (statfs(places[i], &system) == 0 && system.f_type == CGROUP2_SUPER_MAGIC)
			return open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

struct process_info find_process(const struct flowprobe_bpf *bpf, __u32 process)
{
	struct process known;
	__u32 place = process % CACHE_SIZE;

	if (!process)
		return (struct process_info){};
	if (cache[place].process == process)
		return cache[place].info;
	cache[place].process = process;
	cache[place].info = (struct process_info){};
	if (bpf_map__lookup_elem(bpf->maps.processes, &process, sizeof(process), &known, sizeof(known), 0) == 0) {
		known.name[sizeof(known.name) - 1] = 0;
		cache[place].info = (struct process_info){intern_name(NAMES_PROCESSES, known.name), known.cgroup};
	}
	return cache[place].info;
}

void clear_process_cache(void)
{
	memset(cache, 0, sizeof(cache));
}
