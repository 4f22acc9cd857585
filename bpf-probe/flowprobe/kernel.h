/* SPDX-License-Identifier: Apache-2.0 */
/* What the running kernel and this process's privileges allow. */
#ifndef SONDE_KERNEL_H
#define SONDE_KERNEL_H

#include <stdbool.h>

struct kernel {
	char release[65];
	bool btf;	   /* type information of the running kernel */
	bool coarse_clock; /* bpf_ktime_get_coarse_ns */
	bool conntrack;	   /* bpf_skb_ct_lookup */
	bool tcx;	   /* TCX links */
	bool drops;	   /* the tracepoint kfree_skb tells the reason */
	bool retransmits;  /* the tracepoint tcp_retransmit_skb */
	bool owners;	   /* sockets can be given notes, and a cgroup v2 hierarchy is there */
};

/* Finds out what the kernel supports; needs the privileges. */
struct kernel probe_kernel(void);

/* Ends the process if the kernel lacks what flowprobe cannot do without. */
void require_kernel(const struct kernel *kernel);

/* Prints, for --check, what is supported and what will be missing. */
void print_kernel(const struct kernel *kernel);

#endif
