/* SPDX-License-Identifier: Apache-2.0 */
/* Attaches the programs to an interface: by TCX links if the kernel supports them, else as clsact filters. */
#ifndef SONDE_ATTACH_H
#define SONDE_ATTACH_H

#include <stdbool.h>

#include "kernel/network_links.h"
#include "options.h"

struct flowprobe_bpf;

struct attachment {
	int ifindex;
	int links[2]; /* descriptors of the TCX links (ingress, egress); -1 for a clsact filter */
};

/* Returns 0 or -errno; nothing stays attached if it fails. */
int attach_interface(const struct flowprobe_bpf *bpf, const struct network_link *link, enum interface_kind kind,
		     bool tcx, struct attachment *attachment);

/* Does nothing if the interface has vanished. */
void detach_interface(const struct attachment *attachment);

/*
 * Removes filters that a killed flowprobe left on the interface. TCX links end with their process; filters stay. Only
 * filters with Sonde's handle and a program named sonde_* are removed.
 */
void remove_leftover_filters(int ifindex);

#endif
