/* SPDX-License-Identifier: Apache-2.0 */
/* Reports what a window holds: its DNS transactions and its flows. */
#ifndef SONDE_REPORT_H
#define SONDE_REPORT_H

#include "flows/records.h"
#include "flows/window_flows.h"
#include "output/counters.h"

/* Starts the measurement of CPU time, then adds the time since the last of these calls to a sum. */
void begin_cpu_accounting(void);
void account_cpu_time(__u64 *sum);

/*
 * Merges the flows of an ended window, sends its DNS, NAMES and FLOWS frames, and clears the window. Updates the
 * counters, which the caller then sends.
 */
void report_flows(struct window_flows *flows, const struct record_context *context, struct probe_counters *counters);

#endif
