// SPDX-License-Identifier: Apache-2.0
#include "owners.h"
#include "flow.h"
#include "names.h"
#include "flowprobe.skel.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

/* A direct-mapped cache: most flows of a window belong to few processes. */
#define CACHED 1024

static struct {
	__u32 process; /* 0: free */
	struct owner owner;
} cache[CACHED];

/* Where cgroup v2 is mounted: alone, or beside the older hierarchies. `ip netns exec` hides both; --netns does not. */
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

struct owner find_owner(const struct flowprobe_bpf *bpf, __u32 process)
{
	struct process known;
	__u32 place = process % CACHED;

	if (!process)
		return (struct owner){};
	if (cache[place].process == process)
		return cache[place].owner;
	cache[place].process = process;
	cache[place].owner = (struct owner){};
	if (bpf_map__lookup_elem(bpf->maps.processes, &process, sizeof(process), &known, sizeof(known), 0) == 0) {
		known.name[sizeof(known.name) - 1] = 0;
		cache[place].owner = (struct owner){name_number(NAMES_PROCESSES, known.name), known.cgroup};
	}
	return cache[place].owner;
}

void forget_owners(void)
{
	memset(cache, 0, sizeof(cache));
}
