// SPDX-License-Identifier: Apache-2.0
/* What flowprobe takes from Linux, for a program that has only its memory and its host (host.h). */
#include <string.h>

#include "exit.h"
#include "host.h"
#include "output/stream.h"
#include "processes/processes.h"

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
