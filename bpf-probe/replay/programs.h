/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the kernel programs' packet code, with its maps, in this program's memory. */
#ifndef SONDE_PROGRAMS_H
#define SONDE_PROGRAMS_H

#include <stdbool.h>
#include "flow.h"

/* Where a packet was captured, as far as the capture tells. */
enum direction {
	DIRECTION_UNKNOWN = 0,
	DIRECTION_IN = 1,  /* the capturing host received it: its sender is behind the interface */
	DIRECTION_OUT = 2, /* the capturing host sent it: its receiver is behind the interface */
};

/* A packet of a file. */
struct captured_packet {
	const __u8 *bytes;
	__u32 captured; /* bytes that are there */
	__u32 length;	/* bytes that there were; at least `captured` */
	__u32 link;	/* length of the link header; only 0 and that of Ethernet */
	__u16 protocol; /* EtherType, network byte order */
	bool tagged;	/* `vlan` was removed from the frame, as a network card does */
	__u16 vlan;
	enum direction direction;
	__u32 interface; /* tells interfaces of the capture apart */
	bool may_repeat; /* several interfaces were captured, so that copies of one packet may be there */
	__u64 at;	 /* nanoseconds since 1970 */
};

/* What the programs have for user space. */
struct program_events {
	void (*overflow)(const struct overflow_message *message);
	void (*pressure)(void);
	void (*payload)(const struct payload_message *message);
};

/* `flows`: zeroed memory for twice `max_flows` entries. */
void load_programs(struct flow *flows, __u32 max_flows, const struct program_events *events);

/* Counts a packet. Times must not decrease. */
void run_programs(const struct captured_packet *packet);

/* Begins the next window. Returns the parity of the ended one and sets the number of its entries. */
unsigned next_window(__u32 *used);

__u32 window_number(void);

/* Packets that were not counted because they are copies of others. */
extern __u64 copies_skipped;

#endif
