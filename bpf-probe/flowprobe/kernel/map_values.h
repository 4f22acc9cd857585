/* SPDX-License-Identifier: Apache-2.0 */
/* Reads single values of the kernel programs' maps. */
#ifndef SONDE_MAP_VALUES_H
#define SONDE_MAP_VALUES_H

#include <stdbool.h>
#include "flow.h"

struct flowprobe_bpf;

/* The counters of the kernel programs, summed over CPUs. */
void read_counters(const struct flowprobe_bpf *bpf, __u64 values[COUNTERS]);

/* The tunnel of a flow, with IPv4 mapped into IPv6. Returns false if none is known. */
bool read_tunnel(const struct flowprobe_bpf *bpf, const struct key6 *key, struct tunnel *tunnel);

#endif
