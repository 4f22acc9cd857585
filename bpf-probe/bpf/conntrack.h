/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the kernel's connection tracking translated: a flow to a service's address is seen as such at the client's
 * interface and, after DNAT, as a flow to the backend at the server's. The tracked connection knows both tuples.
 */
#ifndef SONDE_CONNTRACK_H
#define SONDE_CONNTRACK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "flow.h"
#include "maps.h"
#include "packet.h"

/* A connection is looked up for at most this many of its packets: the first one comes before it is tracked. */
#define NAT_TRIES 4

/* include/net/netfilter/nf_conntrack_tuple.h; the layout of a tuple has not changed since Linux 2.6. */
struct conntrack_tuple {
	struct end source;
	struct end destination; /* its `zero` holds the protocol and the direction */
};

struct nf_conntrack_tuple_hash___local {
	struct conntrack_tuple tuple;
} __attribute__((preserve_access_index));

struct nf_conn {
	struct nf_conntrack_tuple_hash___local tuplehash[2];
} __attribute__((preserve_access_index));

/* What the kernel's own packet is to us here; the address of its connection, with some bits of state (below). */
struct sk_buff___tracked {
	unsigned long _nfct;
} __attribute__((preserve_access_index));

/* include/uapi/linux/netfilter/nf_conntrack_common.h: the state of a packet in its connection. */
#define CT_INFO_MASK	     7
#define CT_ESTABLISHED	     0
#define CT_NEW		     2
#define CT_ESTABLISHED_REPLY 3

/* net/netfilter/nf_conntrack_bpf.c */
struct bpf_ct_opts___local {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					 struct bpf_ct_opts___local *opts, __u32 opts_size) __weak __ksym;
extern void bpf_ct_release(struct nf_conn *connection) __weak __ksym;

/* A function of its own: inlined six times it would want half of the stack that a program and its callees share. */
static __noinline bool same_end(const struct end *a, const struct end *b)
{
	return a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2] &&
	       a->addr[3] == b->addr[3] && a->port == b->port;
}

/*
 * Notes in `f` what conntrack tells of the connection whose ends are the key's `a` (side 0) and `b` (side 1). Its
 * packets carry either the addresses that the client used (the original tuple) or, where NAT has been applied,
 * those that the server uses (the reply tuple, which is written from the server's point of view).
 */
static __always_inline void note_translation(struct flow *f, const struct conntrack_tuple *original,
					     const struct conntrack_tuple *reply, const struct end *a,
					     const struct end *b)
{
	const struct end *client = &original->source, *service = &original->destination;
	const struct end *translated_client = &reply->destination, *backend = &reply->source;

	if ((same_end(client, a) && same_end(service, b)) || (same_end(client, b) && same_end(service, a))) {
		f->opener = same_end(client, a) ? 0 : 1;
		f->nat = same_end(client, translated_client) && same_end(service, backend) ? NAT_NONE : NAT_BEFORE;
		f->other[0] = *translated_client;
		f->other[1] = *backend;
	} else {
		f->opener = same_end(translated_client, a) ? 0 : 1;
		f->nat = NAT_AFTER;
		f->other[0] = *client;
		f->other[1] = *service;
	}
}

static __always_inline bool read_tuples(struct nf_conn *connection, struct conntrack_tuple *original,
					struct conntrack_tuple *reply)
{
	return bpf_core_read(original, sizeof(*original), &connection->tuplehash[0].tuple) == 0 &&
	       bpf_core_read(reply, sizeof(*reply), &connection->tuplehash[1].tuple) == 0;
}

/* What a lookup works on: too large for the programs' stack of 512 bytes. */
struct lookup {
	struct bpf_sock_tuple tuple;
	struct end a, b; /* the key's ends */
	struct conntrack_tuple original, reply;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lookup);
} lookup_scratch SEC(".maps");

static __always_inline struct lookup *begin_lookup(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&lookup_scratch, &zero);
}

/* The connection that conntrack gave a packet on its way to the interface that it leaves through; NULL if none. */
static __always_inline struct nf_conn *tracked_connection(struct __sk_buff *skb)
{
	unsigned long nfct = 0;

	bpf_probe_read_kernel(&nfct, sizeof(nfct),
			      (void *)skb + bpf_core_field_offset(struct sk_buff___tracked, _nfct));
	return (void *)(nfct & ~(unsigned long)CT_INFO_MASK);
}

/*
 * Notes what conntrack tells of a packet's connection. Where a packet leaves, it carries that; it may be all that is
 * left: a RST that answers a SYN ends the connection in conntrack's table. Otherwise conntrack is asked for
 * lookup->tuple.
 */
static __always_inline void resolve_nat(struct __sk_buff *skb, struct flow *f, struct lookup *lookup, __u32 tuple_size,
					__u8 protocol, enum hook hook)
{
	struct bpf_ct_opts___local opts = {.netns_id = BPF_F_CURRENT_NETNS, .l4proto = protocol};
	struct nf_conn *connection;

	if (!(hook & HOOK_INGRESS)) {
		connection = tracked_connection(skb);
		if (connection && read_tuples(connection, &lookup->original, &lookup->reply)) {
			note_translation(f, &lookup->original, &lookup->reply, &lookup->a, &lookup->b);
			return;
		}
	}
	connection = bpf_skb_ct_lookup(skb, &lookup->tuple, tuple_size, &opts, sizeof(opts));
	if (!connection)
		return;
	if (read_tuples(connection, &lookup->original, &lookup->reply))
		note_translation(f, &lookup->original, &lookup->reply, &lookup->a, &lookup->b);
	bpf_ct_release(connection);
}

static __always_inline void set_end4(struct end *end, __u32 address, __u16 port)
{
	end->addr[0] = address;
	end->addr[1] = 0;
	end->addr[2] = 0;
	end->addr[3] = 0;
	end->port = port;
}

static __always_inline void resolve_nat4(struct __sk_buff *skb, struct flow *f, const struct key4 *key, __u32 sender,
					 enum hook hook)
{
	struct lookup *lookup = begin_lookup();

	if (!lookup)
		return;
	set_end4(&lookup->a, key->addr[0], key->port[0]);
	set_end4(&lookup->b, key->addr[1], key->port[1]);
	lookup->tuple.ipv4.saddr = key->addr[sender ? 1 : 0];
	lookup->tuple.ipv4.daddr = key->addr[sender ? 0 : 1];
	lookup->tuple.ipv4.sport = key->port[sender ? 1 : 0];
	lookup->tuple.ipv4.dport = key->port[sender ? 0 : 1];
	resolve_nat(skb, f, lookup, sizeof(lookup->tuple.ipv4), key->protocol, hook);
}

static __always_inline void resolve_nat6(struct __sk_buff *skb, struct flow *f, const struct key6 *key, __u32 sender,
					 enum hook hook)
{
	struct lookup *lookup = begin_lookup();

	if (!lookup)
		return;
	copy6(lookup->a.addr, key->addr[0]);
	lookup->a.port = key->port[0];
	copy6(lookup->b.addr, key->addr[1]);
	lookup->b.port = key->port[1];
	copy6(lookup->tuple.ipv6.saddr, key->addr[sender ? 1 : 0]);
	copy6(lookup->tuple.ipv6.daddr, key->addr[sender ? 0 : 1]);
	lookup->tuple.ipv6.sport = key->port[sender ? 1 : 0];
	lookup->tuple.ipv6.dport = key->port[sender ? 0 : 1];
	resolve_nat(skb, f, lookup, sizeof(lookup->tuple.ipv6), key->protocol, hook);
}

#endif
