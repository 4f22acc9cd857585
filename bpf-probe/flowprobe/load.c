// SPDX-License-Identifier: Apache-2.0
#include "load.h"
#include "adopt.h"
#include "exit.h"
#include "flow.h"
#include "owners.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Kernels before 5.11 count maps against the memory that a process may lock. */
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

/* Attaches the programs that watch the kernel rather than an interface. Their links end with the process. */
static void attach_observers(struct flowprobe_bpf *bpf, const struct kernel *kernel)
{
	if (kernel->drops && !bpf_program__attach(bpf->progs.sonde_drop))
		say("cannot watch for dropped packets: %s", strerror(errno));
	if (kernel->retransmits && !bpf_program__attach(bpf->progs.sonde_retransmit))
		say("cannot watch for retransmissions: %s", strerror(errno));
	if (kernel->owners) {
		int cgroup = open_root_cgroup();

		if (cgroup < 0 || !bpf_program__attach_cgroup(bpf->progs.sonde_socket, cgroup))
			say("cannot watch for new sockets: %s", strerror(errno));
		close(cgroup);
		adopt_sockets(bpf);
	}
}

struct flowprobe_bpf *load_programs(const struct options *options, const struct kernel *kernel)
{
	struct flowprobe_bpf *bpf;
	__u32 buckets = 1;
	int error;

	/* Four to eight flows in a bucket of 14 when the window is full: hardly one bucket in a thousand is too small.
	 */
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
	/* Apart from the marks of probes in other namespaces, which a packet may pass too. Never 0. */
	bpf->rodata->entered_mark = (1 + own_netns() % 255) << 8;
	bpf->rodata->has_owners = kernel->owners;
	bpf_program__set_autoload(bpf->progs.sonde_socket, kernel->owners);
	bpf_program__set_autoload(bpf->progs.sonde_drop, kernel->drops);
	bpf_program__set_autoload(bpf->progs.sonde_retransmit, kernel->retransmits);

	error = flowprobe_bpf__load(bpf);
	if (error)
		fail(error == -EPERM ? EXIT_PRIVILEGE : EXIT_KERNEL, /* EACCES is how a verifier refuses */
		     "the kernel does not accept the programs: %s", strerror(-error));
	attach_observers(bpf, kernel);
	libbpf_set_print(NULL); /* From here on every error is told by us. */
	return bpf;
}
