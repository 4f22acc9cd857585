/* SPDX-License-Identifier: Apache-2.0 */
/* Attaches the programs to one interface: by TCX links where the kernel has them, else as clsact filters. */
#ifndef SONDE_ATTACH_H
#define SONDE_ATTACH_H

#include <stdbool.h>

#include "network_links.h"
#include "options.h"

struct flowprobe_bpf;

struct attachment {
	int ifindex;
	int links[2]; /* descriptors of the TCX links in and out; -1 for a clsact filter */
};

/* Returns 0 or -errno; nothing stays attached if it fails. */
int attach_interface(const struct flowprobe_bpf *bpf, const struct network_link *link, enum interface_kind kind,
		     bool tcx, struct attachment *attachment);

/* Harmless when the interface has vanished. */
void detach_interface(const struct attachment *attachment);

/*
 * Takes away the filters that a flowprobe left on the interface when it was killed. TCX links end with their process;
 * filters stay. Only filters at our place whose program has our name are touched.
 */
void remove_leftover_filters(int ifindex);

#endif
