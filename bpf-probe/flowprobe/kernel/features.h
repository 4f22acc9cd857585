/* SPDX-License-Identifier: Apache-2.0 */
/* Features of the running kernel. */
#ifndef SONDE_FEATURES_H
#define SONDE_FEATURES_H

#include <stdbool.h>

struct kernel_features {
	char release[65];
	bool btf;	   /* type information of the running kernel */
	bool coarse_clock; /* bpf_ktime_get_coarse_ns */
	bool conntrack;	   /* bpf_skb_ct_lookup */
	bool tcx;	   /* TCX links */
	bool drops;	   /* the tracepoint kfree_skb has a drop reason */
	bool retransmits;  /* the tracepoint tcp_retransmit_skb */
	bool processes;	   /* socket storage and a cgroup v2 hierarchy */
};

/* Detects what the kernel supports; needs the capabilities of require_privileges(). */
struct kernel_features detect_features(void);

/* Exits if the kernel lacks a required feature. */
void require_features(const struct kernel_features *kernel);

/* Prints the output of --check. */
void print_features(const struct kernel_features *kernel);

#endif
