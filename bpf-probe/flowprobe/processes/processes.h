/* SPDX-License-Identifier: Apache-2.0 */
/* Names and control groups of processes with sockets. */
#ifndef SONDE_PROCESSES_H
#define SONDE_PROCESSES_H

#include <linux/types.h>

struct flowprobe_bpf;

struct process_info {
	__u32 name; /* number in NAMES_PROCESSES; 0 if not known */
	__u64 cgroup;
};

/* Opens the root of the cgroup v2 hierarchy. Returns -1 if none is visible. */
int open_root_cgroup(void);

/* Name and control group of a process that the kernel programs recorded. Cached until clear_process_cache(). */
struct process_info find_process(const struct flowprobe_bpf *bpf, __u32 process);

/* Call between windows: process ids are reused, and names may get new numbers. */
void clear_process_cache(void);

#endif
