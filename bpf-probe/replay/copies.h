/* SPDX-License-Identifier: Apache-2.0 */
/* Recognizes the copies of a packet in a capture of several interfaces. */
#ifndef SONDE_COPIES_H
#define SONDE_COPIES_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * Returns true if the packet was counted already, at another interface. The packet with this `hash` counts as often as
 * the interface that it was seen at most often: a copy comes within a second and from another interface, while what is
 * sent again comes from the same. `interface`: any number that tells interfaces apart; `now` in nanoseconds.
 */
bool is_copy(__u64 hash, __u32 interface, __u64 now);

#endif
