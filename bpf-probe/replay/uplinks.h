/* SPDX-License-Identifier: Apache-2.0 */
/* Tells interfaces to other nodes from those of pods in a capture of several interfaces. */
#ifndef SONDE_UPLINKS_H
#define SONDE_UPLINKS_H

#include <stdbool.h>
#include <linux/types.h>

/* Interfaces with this bit stand for several that the capture does not tell apart; nothing is learned of them. */
#define INTERFACE_UNNAMED 0x80000000u

/* True for a TTL or hop limit a few less than those that systems begin with: a router passed the packet on. */
bool was_routed(__u8 ttl);

/* Notes that packets of other nodes pass an interface. */
void add_uplink(__u32 interface);

bool is_uplink(__u32 interface);

#endif
