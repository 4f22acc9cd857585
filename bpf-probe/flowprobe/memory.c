// SPDX-License-Identifier: Apache-2.0
#include "memory.h"
#include "exit.h"

#include <sys/mman.h>

void *reserve_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		fail(EXIT_OTHER, "out of memory");
	return memory;
}
