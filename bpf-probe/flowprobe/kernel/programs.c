// SPDX-License-Identifier: Apache-2.0
#include "kernel/programs.h"
#include "processes/existing_sockets.h"
#include "exit.h"
#include "flow.h"
#include "processes/processes.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Kernels before 5.11 charge maps to RLIMIT_MEMLOCK. */
static void allow_locked_memory(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

static int print_warnings(enum libbpf_print_level level, const char *format, va_list list)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, list) : 0;
}

static __u32 own_netns(void)
{
	struct stat netns;

	if (stat("/proc/self/ns/net", &netns))
		fail(EXIT_OTHER, "cannot read /proc/self/ns/net: %s", strerror(errno));
	return netns.st_ino;
}

static __u64 random_seed(void)
{
	__u64 seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		fail(EXIT_OTHER, "cannot read random numbers");
	return seed;
}

/* Attaches the tracepoint and cgroup programs. Their links end with the process. */
static void attach_tracing_programs(struct flowprobe_bpf *bpf, const struct kernel_features *kernel)
{
	if (kernel->drops && !bpf_program__attach(bpf->progs.sonde_drop))
		log_message("cannot attach to the tracepoint kfree_skb: %s", strerror(errno));
	if (kernel->retransmits && !bpf_program__attach(bpf->progs.sonde_retransmit))
		log_message("cannot attach to the tracepoint tcp_retransmit_skb: %s", strerror(errno));
	if (kernel->processes) {
		int cgroup = open_root_cgroup();

		if (cgroup < 0 || !bpf_program__attach_cgroup(bpf->progs.sonde_socket, cgroup))
			log_message("cannot attach to the root control group: %s", strerror(errno));
		close(cgroup);
		record_existing_sockets(bpf);
	}
}

struct flowprobe_bpf *load_programs(const struct options *options, const struct kernel_features *kernel)
{
	struct flowprobe_bpf *bpf;
	__u32 buckets = 1;
	int error;

	/* Four to eight flows per bucket of 13 slots when the window is full, so that buckets rarely overflow. */
	while (buckets * 4 < options->max_flows)
		buckets *= 2;

	libbpf_set_print(print_warnings);
	allow_locked_memory();
	bpf = flowprobe_bpf__open();
	if (!bpf)
		fail(EXIT_KERNEL, "cannot open the kernel programs: %s", strerror(errno));

	bpf->rodata->has_conntrack = kernel->conntrack;
	bpf->rodata->capacity = options->max_flows;
	bpf->rodata->pressure_entries = options->max_flows - options->max_flows / 4;
	bpf->rodata->bucket_mask = buckets - 1;
	bpf->rodata->hash_seed = random_seed();
	bpf_map__set_max_entries(bpf->maps.flows, options->max_flows * 2);
	bpf_map__set_max_entries(bpf->maps.buckets, buckets * 2);
	bpf_map__set_max_entries(bpf->maps.packets, options->ring_bytes);
	bpf_map__set_max_entries(bpf->maps.payloads, options->ring_bytes);
	bpf->rodata->own_netns = own_netns();
	/* Differs from the marks of probes in other network namespaces. Never 0. */
	bpf->rodata->ingress_mark = (1 + own_netns() % 255) << 8;
	bpf->rodata->has_processes = kernel->processes;
	bpf->rodata->has_retransmits = kernel->retransmits;
	bpf_program__set_autoload(bpf->progs.sonde_socket, kernel->processes);
	bpf_program__set_autoload(bpf->progs.sonde_drop, kernel->drops);
	bpf_program__set_autoload(bpf->progs.sonde_retransmit, kernel->retransmits);

	error = flowprobe_bpf__load(bpf);
	if (error)
		fail(error == -EPERM ? EXIT_PRIVILEGE : EXIT_KERNEL, /* the verifier returns EACCES */
		     "the kernel rejected the programs: %s", strerror(-error));
	attach_tracing_programs(bpf, kernel);
	libbpf_set_print(NULL); /* Callers report errors from here on. */
	return bpf;
}
