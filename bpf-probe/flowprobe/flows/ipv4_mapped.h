/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 as IPv6 (RFC 4291 section 2.5.5.2): user space has one address family. */
#ifndef SONDE_IPV4_MAPPED_H
#define SONDE_IPV4_MAPPED_H

#include <arpa/inet.h>
#include "flow.h"

static inline void map_address(__u32 to[4], __u32 ipv4)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = htonl(0xffff);
	to[3] = ipv4;
}

/* Keeps the order of the endpoints: their addresses differ in the same word. */
static inline void map_key(struct key6 *to, const struct key4 *from)
{
	for (int side = 0; side < 2; side++) {
		map_address(to->addr[side], from->addr[side]);
		to->port[side] = from->port[side];
	}
	to->protocol = from->protocol;
	to->key_kind = from->key_kind;
	to->zero = 0;
}

#endif
