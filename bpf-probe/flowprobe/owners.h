/* SPDX-License-Identifier: Apache-2.0 */
/* Names and control groups of the processes that own sockets. */
#ifndef SONDE_OWNERS_H
#define SONDE_OWNERS_H

#include <linux/types.h>

struct flowprobe_bpf;

struct owner {
	__u32 name; /* number in NAMES_PROCESSES; 0 if not known */
	__u64 cgroup;
};

/* Opens the control group that all processes are in; -1 if there is no cgroup v2 hierarchy to be seen. */
int open_root_cgroup(void);

/* The owner with a process id, by the kernel programs' notes. Answers are kept until forget_owners(). */
struct owner find_owner(const struct flowprobe_bpf *bpf, __u32 process);

/* To be called between windows: process ids are used again, names are numbered anew. */
void forget_owners(void);

#endif
