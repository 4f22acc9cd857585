/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for flowprobe/clock.h: the only clock is that of the packets, in nanoseconds since 1970. */
#ifndef SONDE_REPLAY_CLOCK_H
#define SONDE_REPLAY_CLOCK_H

#include <linux/types.h>

#define CLOCK_THREAD_CPUTIME_ID 0

/* CPU time is not measured. */
static inline __u64 clock_nanos(int clock)
{
	return 0;
}

static inline __u64 realtime_offset(void)
{
	return 0;
}

#endif
