/* SPDX-License-Identifier: Apache-2.0 */
/* From what was seen of a connection in a window to its record: which end is the client, what state it is in. */
#ifndef SONDE_RECORDS_H
#define SONDE_RECORDS_H

#include "connections.h"
#include "frames.h"
#include "sightings.h"

struct flowprobe_bpf;

/* What the records of a window have in common. */
struct record_context {
	const struct flowprobe_bpf *bpf;
	struct connections *connections;
	__u64 now;	   /* the window's end on the monotonic clock */
	__u64 to_realtime; /* makes times of that clock nanoseconds since 1970 */
	__u32 window;	   /* its number */
	__u32 sampling;
};

/*
 * Fills in the record of a flow, with what went wrong with it (or NULL) and what is remembered of the connection, and
 * remembers what the next window will need.
 */
void make_record(struct flow_record *record, const struct flow *flow, const struct trouble *trouble,
		 const struct record_context *context);

#endif
