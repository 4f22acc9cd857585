// SPDX-License-Identifier: Apache-2.0
#include "sampling.h"
#include "clock.h"
#include "exit.h"
#include "options.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

void enable_run_time_stats(void)
{
	/* The descriptor keeps the statistics on for as long as this process lives. */
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		fail(EXIT_KERNEL, "--cpu-limit: cannot enable BPF run time statistics: %s", strerror(errno));
}

static __u64 run_nanos(const struct flowprobe_bpf *bpf)
{
	struct bpf_program *program;
	__u64 sum = 0;

	bpf_object__for_each_program(program, bpf->obj)
	{
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (bpf_program__fd(program) >= 0 && !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			sum += info.run_time_ns;
	}
	return sum;
}

__u32 adapt_sampling(const struct flowprobe_bpf *bpf, __u32 current, __u32 min, __u32 percent)
{
	static __u64 nanos_before, time_before;
	__u64 nanos = run_nanos(bpf), time = clock_nanos(CLOCK_MONOTONIC);
	__u64 used = (nanos - nanos_before) * 100, limit = (time - time_before) * percent;
	__u32 next = current;

	if (time_before && used > limit && current < MAX_SAMPLING)
		next = current * 2;
	else if (time_before && used < limit / 3 && current > min)
		next = current / 2 > min ? current / 2 : min;
	if (next != current)
		log_message("sampling changed to one packet in %u: programs used %.1f %% of a CPU, limit %u %%", next,
			    (double)used / (time - time_before), percent);
	nanos_before = nanos;
	time_before = time;
	return next;
}
