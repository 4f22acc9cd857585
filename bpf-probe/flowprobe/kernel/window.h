/* SPDX-License-Identifier: Apache-2.0 */
/* Ends a window and reads its flows from the kernel. */
#ifndef SONDE_WINDOW_H
#define SONDE_WINDOW_H

#include "flows/window_flows.h"

struct flowprobe_bpf;
struct window;

struct window *open_window(struct flowprobe_bpf *bpf);

/*
 * Switches to the other half of the flow map, waits until no program uses the previous half, and loads its flows. No
 * program writes to a half while it is read, so counts are exact.
 */
void end_window(struct window *window, struct window_flows *flows);

#endif
