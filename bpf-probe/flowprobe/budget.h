/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the kernel programs within a share of CPU time by counting fewer packets. */
#ifndef SONDE_BUDGET_H
#define SONDE_BUDGET_H

#include <linux/types.h>

struct flowprobe_bpf;

/* Lets the kernel measure its programs' run time, which adds a few percent to it. To be called with privileges. */
void measure_programs(void);

/*
 * Returns the sampling for the next window: doubled when the programs took more than `percent` of one CPU since the
 * last call, halved, down to `least`, when they took less than a third of that. Says so when it changes.
 */
__u32 adapt_sampling(const struct flowprobe_bpf *bpf, __u32 current, __u32 least, __u32 percent);

#endif
