/* SPDX-License-Identifier: Apache-2.0 */
/* Ends a window in the kernel and takes out what it counted. */
#ifndef SONDE_WINDOW_H
#define SONDE_WINDOW_H

#include "sightings.h"

struct flowprobe_bpf;
struct window;

struct window *open_window(struct flowprobe_bpf *bpf);

/*
 * Lets packets go to the other half of the map, waits until no program uses the former half any more, and takes what it
 * holds. Nothing is counted twice or missed: no program writes to a half while it is read.
 */
void end_window(struct window *window, struct sightings *sightings);

#endif
