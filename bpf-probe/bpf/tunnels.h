/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Tunnels of flows. */
#ifndef SONDE_TUNNELS_H
#define SONDE_TUNNELS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "packet_slow.h"

/* By the key of the inner flow, with IPv4 mapped into IPv6; the least recently used are evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct key6);
	__type(value, struct tunnel);
} tunnels SEC(".maps");

static __always_inline void map_address(__u32 to[4], __u32 ipv4)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = ipv4;
}

static __always_inline void map_key(struct key6 *to, const struct key4 *from)
{
	map_address(to->addr[0], from->addr[0]);
	map_address(to->addr[1], from->addr[1]);
	to->port[0] = from->port[0];
	to->port[1] = from->port[1];
	to->protocol = from->protocol;
	to->key_kind = from->key_kind;
	to->zero = 0;
}

static __always_inline bool same_tunnel(const struct tunnel *a, const struct tunnel *b)
{
	__u32 difference = (a->id ^ b->id) | (a->kind ^ b->kind);

#pragma unroll
	for (int i = 0; i < 4; i++)
		difference |= (a->addr[0][i] ^ b->addr[0][i]) | (a->addr[1][i] ^ b->addr[1][i]);
	return !difference;
}

/* Records the latest tunnel of a flow. */
static __noinline void record_tunnel(struct slow_packet *s)
{
	struct tunnel tunnel, *known;
	struct key6 key;
	__u32 sender = s->packet.sender & 1;

	if (s->version == 4)
		map_key(&key, &s->key4);
	else
		key = s->key6;
	copy6(tunnel.addr[0], s->outer[sender ? 1 : 0]);
	copy6(tunnel.addr[1], s->outer[sender ? 0 : 1]);
	tunnel.id = s->tunnel_id;
	tunnel.kind = s->packet.tunnel;
	known = bpf_map_lookup_elem(&tunnels, &key);
	if (known && same_tunnel(known, &tunnel))
		return;
	bpf_map_update_elem(&tunnels, &key, &tunnel, BPF_ANY);
}

#endif
