// SPDX-License-Identifier: Apache-2.0
#include "kernel/map_values.h"
#include "exit.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

static __u64 sum_of_cpus(int map, __u32 counter)
{
	static __u64 *values;
	static int cpus;
	__u64 sum = 0;

	if (!values) {
		cpus = libbpf_num_possible_cpus();
		values = calloc(cpus, sizeof(*values));
	}
	if (!values || bpf_map_lookup_elem(map, &counter, values))
		fail(EXIT_OTHER, "cannot read the counters: %s", strerror(errno));
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	return sum;
}

void read_counters(const struct flowprobe_bpf *bpf, __u64 values[COUNTERS])
{
	for (__u32 counter = 0; counter < COUNTERS; counter++)
		values[counter] = sum_of_cpus(bpf_map__fd(bpf->maps.counters), counter);
}

bool read_tunnel(const struct flowprobe_bpf *bpf, const struct key6 *key, struct tunnel *tunnel)
{
	return bpf_map__lookup_elem(bpf->maps.tunnels, key, sizeof(*key), tunnel, sizeof(*tunnel), 0) == 0;
}
