// SPDX-License-Identifier: Apache-2.0
#include "uplinks.h"

/* Routers between the nodes of a cluster. */
#define MAX_HOPS 15

/* More than a node has. */
#define MAX_UPLINKS 64

static __u32 uplinks[MAX_UPLINKS];
static unsigned count;

bool was_routed(__u8 ttl)
{
	static const __u8 initial[] = {64, 128, 255};

	for (unsigned i = 0; i < sizeof(initial); i++) {
		if (ttl < initial[i] && ttl >= initial[i] - MAX_HOPS)
			return true;
	}
	return false;
}

void add_uplink(__u32 interface)
{
	if (count < MAX_UPLINKS && !(interface & INTERFACE_UNNAMED) && !is_uplink(interface))
		uplinks[count++] = interface;
}

bool is_uplink(__u32 interface)
{
	for (unsigned i = 0; i < count; i++) {
		if (uplinks[i] == interface)
			return true;
	}
	return false;
}
