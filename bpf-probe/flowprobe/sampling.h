/* SPDX-License-Identifier: Apache-2.0 */
/* Adaptive sampling: limits the CPU time of the kernel programs by counting fewer packets. */
#ifndef SONDE_SAMPLING_H
#define SONDE_SAMPLING_H

#include <linux/types.h>

struct flowprobe_bpf;

/* Enables run time statistics of BPF programs, which cost a few percent. Needs privileges. */
void enable_run_time_stats(void);

/*
 * Returns the sampling of the next window: doubled if the programs used more than `percent` of one CPU since the last
 * call, halved, down to `min`, if they used less than a third of that. Logs changes.
 */
__u32 adapt_sampling(const struct flowprobe_bpf *bpf, __u32 current, __u32 min, __u32 percent);

#endif
