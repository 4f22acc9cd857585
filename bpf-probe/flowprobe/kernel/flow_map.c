// SPDX-License-Identifier: Apache-2.0
#include "kernel/flow_map.h"
#include "exit.h"
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct window_flows map_window_flows(int map, size_t capacity)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t room = window_flows_room(capacity, page);
	size_t mapped = (2 * capacity * sizeof(struct flow) + page - 1) / page * page;
	struct flow *all = reserve_memory(room * sizeof(struct flow) + mapped);

	/* The map replaces the reservation of the second part. */
	if (mmap(all + room, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, map, 0) == MAP_FAILED)
		fail(EXIT_KERNEL, "cannot map the flows into memory: %s", strerror(errno));
	return create_window_flows(all, room, capacity);
}
