/* SPDX-License-Identifier: Apache-2.0 */
/* Converts a flow to a record: determines the client and the connection state. */
#ifndef SONDE_RECORDS_H
#define SONDE_RECORDS_H

#include "flows/connections.h"
#include "output/frames.h"
#include "flows/window_flows.h"

struct flowprobe_bpf;

/* Shared by the records of a window. */
struct record_context {
	const struct flowprobe_bpf *bpf;
	struct connections *connections;
	__u64 now;	   /* the window's end on the monotonic clock */
	__u64 to_realtime; /* offset from that clock to nanoseconds since 1970 */
	__u32 window;	   /* its number */
	__u32 sampling;
};

/*
 * Fills in the record of a flow from the flow, its drops and retransmits (or NULL) and the tracked connection, and
 * updates the tracked connection. Returns false if there is nothing to report.
 */
bool fill_record(struct flow_record *record, const struct flow *flow, const struct flow_health *health,
		 const struct record_context *context);

#endif
