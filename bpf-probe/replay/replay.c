// SPDX-License-Identifier: Apache-2.0
/*
 * Counts packets of files with the code of the probe: the kernel programs and flowprobe, compiled to one WebAssembly
 * module. Its host puts packets into `replay_input` and gets the probe's stream (PROTOCOL.md) by host.h. The clock is
 * that of the packets.
 */
#include <string.h>

#include "flows/connections.h"
#include "flows/records.h"
#include "flows/window_flows.h"
#include "kernel/map_values.h"
#include "memory.h"
#include "output/counters.h"
#include "output/frames.h"
#include "output/report.h"
#include "payload/dns.h"
#include "payload/payloads.h"
#include "programs.h"

#define EXPORT(name) __attribute__((export_name(name)))

#define NANOS_PER_SECOND 1000000000ull

#define PAGE_SIZE 65536

static struct window_flows flows;
static struct connections *connections;
static struct probe_counters counters;
static struct captured_packet packet;
static bool pressure;
static __u8 *input;

static void handle_overflow(const struct overflow_message *message)
{
	add_overflow(&flows, message);
}

static void handle_pressure(void)
{
	pressure = true;
}

static void handle_payload_message(const struct payload_message *message)
{
	handle_payload(message, connections, window_number());
}

/* Creates the tables and returns the memory for `input_size` bytes of packets. */
EXPORT("replay_open") void *replay_open(__u32 max_flows, __u32 max_connections, __u32 window_millis, __u32 input_size)
{
	static const struct program_events events = {handle_overflow, handle_pressure, handle_payload_message};
	size_t room = window_flows_room(max_flows, PAGE_SIZE);
	struct flow *all = reserve_memory((room + 2 * (size_t)max_flows) * sizeof(*all));

	flows = create_window_flows(all, room, max_flows);
	connections = create_connections(max_connections);
	load_programs(all + room, max_flows, &events);
	counters.map_capacity = max_flows;
	input = reserve_memory(input_size);
	begin_frame(FRAME_HELLO);
	put_u32(0);
	put_u32(window_millis);
	put_u32(0);
	put_u32(max_flows);
	put_string("");
	send_frame();
	return input;
}

/*
 * Counts a packet of `captured` bytes at `offset` of the input. `link` is 0 or the length of an Ethernet header,
 * `ether_type` in host byte order, `vlan` negative without a tag; for others see struct captured_packet. Returns true
 * if the window should end now, because the flow map is filling up.
 */
EXPORT("replay_packet")
bool replay_packet(__u32 offset, __u32 captured, __u32 length, __u32 link, __u32 ether_type, __s32 vlan,
		   __u32 direction, __u32 interface, __u32 may_repeat, __u32 seconds, __u32 nanos)
{
	packet = (struct captured_packet){
		.bytes = input + offset,
		.captured = captured,
		.length = length,
		.link = link,
		.protocol = __builtin_bswap16(ether_type),
		.tagged = vlan >= 0,
		.vlan = vlan < 0 ? 0 : vlan,
		.direction = direction,
		.interface = interface,
		.may_repeat = may_repeat,
		.at = seconds * NANOS_PER_SECOND + nanos,
	};
	run_programs(&packet);
	return pressure;
}

/*
 * Ends the window at a time that is not before its packets', and writes its frames. If no packets follow (`is_last`),
 * or only earlier ones, DNS queries that wait for a response are reported as unanswered.
 */
EXPORT("replay_end_window") void replay_end_window(__u32 seconds, __u32 nanos, __u32 is_last)
{
	struct record_context context = {
		.connections = connections,
		.now = seconds * NANOS_PER_SECOND + nanos,
		.window = window_number(),
		.sampling = 1,
	};
	__u64 kernel_counters[COUNTERS];
	__u32 used;
	unsigned ended = next_window(&used);

	if (is_last)
		send_dns(~0ull);
	load_window_flows(&flows, ended, used);
	report_flows(&flows, &context, &counters);
	counters.windows_ended_early += pressure;
	pressure = false;
	read_counters(NULL, kernel_counters);
	send_counters(kernel_counters, &counters, context.now / 1000);
}

EXPORT("replay_copies_skipped") double replay_copies_skipped(void)
{
	return (double)copies_skipped;
}
