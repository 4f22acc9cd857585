// SPDX-License-Identifier: Apache-2.0
/*
 * test_run SECONDS: runs the loaded programs in the kernel (BPF_PROG_TEST_RUN) on mutated packets. Each run must pass
 * the packet on, and at the end every packet must be in a flow or in a counter. Requires root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "clock.h"
#include "exit.h"
#include "flow.h"
#include "kernel/features.h"
#include "kernel/programs.h"
#include "options.h"
#include "kernel/privileges.h"
#include "kernel/flow_map.h"
#include "kernel/window.h"
#include "flowprobe.skel.h"

#define MAX_FLOWS     131072
#define RUNS_A_WINDOW 20000
#define VERDICT_NEXT  (-1)

/* Ethernet frames to mutate. */
static const struct seed {
	size_t size;
	__u8 bytes[128];
} seeds[] = {
	/* TCP over IPv4 */
	{74, {2, 2, 2,	2, 2, 2, 2,  2, 2, 2, 2,    2,	  8, 0,	 0x45, 0, 0, 60, 0, 1, 0x40, 0, 64,   6,
	      0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0, 80, 0,    0, 0, 1,	 0, 0, 0,    0, 0xa0, 2}},
	/* UDP over IPv4 to port 53 */
	{70, {2, 2, 2,	2, 2, 2, 2,  2, 2, 2, 2,    2,	  8, 0,	 0x45, 0,  0, 56, 0, 1, 0, 0, 64, 17,
	      0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0, 53, 0,    36, 0, 0,  1, 2, 1, 0, 0,  1}},
	/* UDP behind a fragment header of IPv6 */
	{90, {2,    2, 2, 2, 2, 2, 2, 2, 2, 2, 2,  2, 0x86, 0xdd, 0x60, 0, 0,	 0, 0,	  36,	44,  64,
	      0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0,    0,	  0,	1, 0xfd, 0, 0,	  0,	0,   0,
	      0,    0, 0, 0, 0, 0, 0, 0, 0, 2, 17, 0, 0,    1,	  0,	0, 0,	 7, 0x9c, 0x40, 0x1f}},
	/* TCP in VXLAN */
	{124, {2, 2,  2, 2, 2, 2,  2, 2, 2, 2,	  2,	2,    8,    0, 0x45, 0, 0, 110, 0, 1, 0,    0,	  64, 17, 0,
	       0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0x12, 0xb5, 0, 90,   0, 0, 8,	0, 0, 0,    0,	  0,  42, 0,
	       2, 2,  2, 2, 2, 2,  2, 2, 2, 2,	  2,	2,    8,    0, 0x45, 0, 0, 60,	0, 1, 0x40, 0,	  64, 6,  0,
	       0, 10, 1, 0, 1, 10, 1, 0, 2, 0x9c, 0x40, 0,    80,   0, 0,    0, 1, 0,	0, 0, 0,    0xa0, 2}},
	/* A VLAN tag before ICMP */
	{64, {2, 2,  2, 2, 2, 2, 2,  2, 2, 2, 2,  2, 0x81, 0, 0,  7, 8, 0, 0x45, 0,
	      0, 46, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0,	   1, 10, 0, 0, 2, 8,	 0}},
};

/* Changes a few bytes, or cuts the packet short. Most mutations leave the Ethernet header alone. */
static size_t mutate(const struct seed *seed, __u8 *bytes)
{
	size_t size = seed->size;

	memcpy(bytes, seed->bytes, size);
	for (int changes = rand() % 6; changes > 0; changes--) {
		size_t at = rand() % 16 ? 12 + rand() % (size - 12) : (size_t)rand() % size;

		bytes[at] = rand() % 4 ? 1 << rand() % 8 : rand();
	}
	if (rand() % 8 == 0)
		size = 14 + rand() % (size - 13);
	return size;
}

static __u64 counter_sum(const struct flowprobe_bpf *bpf, __u32 counter)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 *values = calloc(cpus, sizeof(*values)), sum = 0;

	if (!values || bpf_map_lookup_elem(bpf_map__fd(bpf->maps.counters), &counter, values))
		fail(EXIT_OTHER, "cannot read the counters");
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	free(values);
	return sum;
}

static int ignore_message(void *context, void *data, size_t size)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {.max_flows = MAX_FLOWS, .ring_bytes = 1 << 20, .sampling = 1};
	int seconds = argc == 2 ? atoi(argv[1]) : 5;
	unsigned seed = time(NULL);
	struct kernel_features kernel;
	struct flowprobe_bpf *bpf;
	struct window_flows flows;
	struct ring_buffer *ring;
	struct window *window;
	__u64 runs = 0, packets = 0, until;
	__u8 bytes[256];

	require_privileges();
	kernel = detect_features();
	require_features(&kernel);
	bpf = load_programs(&options, &kernel);
	window = open_window(bpf);
	flows = map_window_flows(bpf_map__fd(bpf->maps.flows), MAX_FLOWS);
	ring = ring_buffer__new(bpf_map__fd(bpf->maps.payloads), ignore_message, NULL, NULL);
	srand(seed);
	until = clock_nanos(CLOCK_MONOTONIC) + seconds * 1000000000ull;
	while (clock_nanos(CLOCK_MONOTONIC) < until) {
		for (int i = 0; i < RUNS_A_WINDOW; i++) {
			LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = bytes);
			int error;

			run.data_size_in = mutate(&seeds[rand() % (sizeof(seeds) / sizeof(seeds[0]))], bytes);
			error = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.sonde_uplink_in), &run);
			if (error == -EINVAL)
				continue; /* The kernel runs no program on a packet that is shorter than its IP header.
					   */
			runs++;
			if (error || (int)run.retval != VERDICT_NEXT)
				fail(EXIT_OTHER, "seed %u, run %llu: error %d, verdict %d", seed,
				     (unsigned long long)runs, error, (int)run.retval);
		}
		end_window(window, &flows);
		ring_buffer__consume(ring);
		for (size_t i = 0; i < window_flow_count(&flows); i++) {
			const struct flow *flow = window_flow_at(&flows, i);

			packets += flow ? flow->packets[0] + flow->packets[1] : 0;
		}
		clear_window_flows(&flows);
	}
	packets += counter_sum(bpf, COUNTER_PACKETS_NOT_IP) + counter_sum(bpf, COUNTER_PACKETS_MALFORMED);
	printf("%llu runs, %llu packets accounted for\n", (unsigned long long)runs, (unsigned long long)packets);
	return packets == runs ? EXIT_OK : EXIT_OTHER;
}
