// SPDX-License-Identifier: Apache-2.0
/* What flowprobe takes from Linux, for a program that has only its memory and its host (host.h). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "host.h"
#include "memory.h"
#include "output/stream.h"
#include "processes/processes.h"

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

/* Formats are not expanded: the code that runs here fails only for lack of memory. */
void log_message(const char *format, ...)
{
	host_log(format, strlen(format));
}

void fail(enum exit_code code, const char *format, ...)
{
	host_log(format, strlen(format));
	__builtin_trap();
}

void write_output(const void *bytes, size_t size)
{
	host_write(bytes, size);
}

/* Packets of files have no processes. */
struct process_info find_process(const struct flowprobe_bpf *bpf, __u32 process)
{
	return (struct process_info){};
}

void clear_process_cache(void)
{
}
