/* SPDX-License-Identifier: Apache-2.0 */
/* Ends a window in the kernel and takes out what it counted. */
#ifndef SONDE_WINDOW_H
#define SONDE_WINDOW_H

#include "sightings.h"

struct flowprobe_bpf;
struct window;

struct window *open_window(struct flowprobe_bpf *bpf, __u32 max_flows);

/*
 * Lets packets go to the other set of maps, waits until no program uses the former set any more, and moves what it
 * holds to `sightings`. Nothing is counted twice or missed: no program writes to a map while it is read.
 */
void end_window(struct window *window, struct sightings *sightings);

/* Microseconds of CPU time that reading the maps has taken since the start. */
__u64 drain_micros(const struct window *window);

#endif
