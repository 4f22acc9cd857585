/* SPDX-License-Identifier: Apache-2.0 */
/* From what was seen of a connection in a window to its record: which end is the client, what state it is in. */
#ifndef SONDE_RECORDS_H
#define SONDE_RECORDS_H

#include "connections.h"
#include "frames.h"
#include "sightings.h"

/*
 * Fills in the record of a sighting, with what is remembered of the connection, and remembers what the next window
 * will need. `now` is the window's end on the monotonic clock, `to_realtime` what makes its times nanoseconds since
 * 1970.
 */
void make_record(struct flow_record *record, const struct sighting *sighting, struct connections *connections,
		 __u64 now, __u64 to_realtime);

#endif
