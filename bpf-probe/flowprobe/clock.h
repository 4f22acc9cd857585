/* SPDX-License-Identifier: Apache-2.0 */
/* Converts monotonic time to time of day. */
#ifndef SONDE_CLOCK_H
#define SONDE_CLOCK_H

#include <linux/types.h>
#include <time.h>

static inline __u64 clock_nanos(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Offset from monotonic time to nanoseconds since 1970; changes when the clock is set or slewed. */
static inline __u64 realtime_offset(void)
{
	return clock_nanos(CLOCK_REALTIME) - clock_nanos(CLOCK_MONOTONIC);
}

#endif
