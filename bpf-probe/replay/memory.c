// SPDX-License-Identifier: Apache-2.0
#include "memory.h"
#include "exit.h"

#include <stdint.h>
#include <stdlib.h>

#define PAGE_SIZE 65536

/* The heap takes all memory that there is when it is first used, so that must be before the memory grows. */
__attribute__((constructor)) static void begin_heap(void)
{
	static void *volatile first __attribute__((unused));

	first = malloc(1);
}

/* Memory of WebAssembly is zeroed, and the host backs it only once it is written to. */
void *reserve_memory(size_t size)
{
	size_t page = __builtin_wasm_memory_grow(0, (size + PAGE_SIZE - 1) / PAGE_SIZE);

	if (page == SIZE_MAX)
		fail(EXIT_OTHER, "out of memory");
	return (void *)(page * PAGE_SIZE);
}
