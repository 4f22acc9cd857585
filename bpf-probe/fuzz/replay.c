// SPDX-License-Identifier: Apache-2.0
/*
 * Feeds any packets to the code for capture files: the kernel programs, connection tracking, DNS, TLS, records, frames.
 * Tables are small, so that they overflow.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"
#include "memory.h"
#include <linux/types.h>

#define INPUT_SIZE	(1 << 16)
#define MAX_FLOWS	64
#define MAX_CONNECTIONS 32
#define WINDOW_MILLIS	1000
#define ETH_HLEN	14
#define NO_VLAN		(-1)

void *replay_open(__u32 max_flows, __u32 max_connections, __u32 window_millis, __u32 input_size);
_Bool replay_packet(__u32 offset, __u32 captured, __u32 length, __u32 link, __u32 ether_type, __s32 vlan,
		    __u32 direction, __u32 interface, __u32 may_repeat, __u32 seconds, __u32 nanos);
void replay_end_window(__u32 seconds, __u32 nanos, __u32 is_last);

void host_write(const void *bytes, size_t size)
{
	static __u8 sum;

	/* Reads all of them. */
	for (size_t i = 0; i < size; i++)
		sum += ((const __u8 *)bytes)[i];
	host_log((const char *)&sum, 1);
}

void host_log(const char *message, size_t length)
{
}

/* Programs see addresses of 32 bits; all other memory is the sanitizer's. */
void *reserve_memory(size_t size)
{
	void *memory = size == INPUT_SIZE ? mmap(NULL, size, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0)
					  : calloc(1, size);

	if (!memory || memory == MAP_FAILED)
		abort();
	return memory;
}

/* Packets, each behind four bytes: its length, how many bytes it lacks, where it was captured, time since the last. */
int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size)
{
	static __u8 *input;
	static __u32 seconds = 1;
	__u32 nanos = 0;

	if (!input)
		input = replay_open(MAX_FLOWS, MAX_CONNECTIONS, WINDOW_MILLIS, INPUT_SIZE);
	seconds++;
	while (size > 4 + ETH_HLEN) {
		__u32 captured = bytes[0] < size - 4 ? bytes[0] : size - 4, place = bytes[2];
		__u32 link = place & 1 ? ETH_HLEN : 0, ether_type = place & 2 ? 0x86dd : 0x0800;

		if (captured < link)
			captured = link;
		/* The packet ends where the input does. */
		memcpy(input + INPUT_SIZE - captured, bytes + 4, captured);
		if (link)
			ether_type = bytes[4 + 12] << 8 | bytes[4 + 13];
		nanos += bytes[3] * 1000;
		if (replay_packet(INPUT_SIZE - captured, captured, captured + bytes[1], link, ether_type,
				  place & 4 ? place : NO_VLAN, place >> 3 & 1, place >> 4 & 3, place >> 6 & 1, seconds,
				  nanos))
			replay_end_window(seconds, nanos, 0);
		bytes += 4 + captured;
		size -= 4 + captured;
	}
	replay_end_window(seconds, nanos, seconds % 16 == 0);
	return 0;
}
