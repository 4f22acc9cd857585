/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Reads NAT translations from conntrack. A flow to a service address is seen with that address at the client's
 * interface and, after DNAT, with the backend's address at the server's. The conntrack entry has both tuples.
 */
#ifndef SONDE_CONNTRACK_H
#define SONDE_CONNTRACK_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "flow.h"
#include "maps.h"
#include "packet.h"

/* Lookups per connection: the first packet comes before the connection is tracked. */
#define MAX_NAT_LOOKUPS 4

/* include/net/netfilter/nf_conntrack_tuple.h; the layout of a tuple has not changed since Linux 2.6. */
struct conntrack_tuple {
	struct endpoint source;
	struct endpoint destination; /* its `zero` holds the protocol and the direction */
};

struct nf_conntrack_tuple_hash___local {
	struct conntrack_tuple tuple;
} __attribute__((preserve_access_index));

struct nf_conn {
	struct nf_conntrack_tuple_hash___local tuplehash[2];
} __attribute__((preserve_access_index));

/* _nfct: address of the conntrack entry, with the state of the packet in its low bits (below). */
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

/* Not inlined: six copies would need half of the stack that a program and its callees share. */
static __noinline bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] && a->addr[2] == b->addr[2] &&
	       a->addr[3] == b->addr[3] && a->port == b->port;
}

/*
 * Records in `f` the tuples of a conntrack entry; `a` and `b` are the key's endpoints (side 0 and 1). Packets carry
 * either the addresses that the client used (the original tuple) or, after NAT, those that the server uses (the reply
 * tuple, written from the server's point of view).
 */
static __always_inline void record_nat_tuples(struct flow *f, const struct conntrack_tuple *original,
					      const struct conntrack_tuple *reply, const struct endpoint *a,
					      const struct endpoint *b)
{
	const struct endpoint *client = &original->source, *service = &original->destination;
	const struct endpoint *translated_client = &reply->destination, *backend = &reply->source;

	if ((same_endpoint(client, a) && same_endpoint(service, b)) ||
	    (same_endpoint(client, b) && same_endpoint(service, a))) {
		f->initiator = same_endpoint(client, a) ? 0 : 1;
		f->nat = same_endpoint(client, translated_client) && same_endpoint(service, backend) ? NAT_NONE
												     : NAT_KEY_ORIGINAL;
		f->nat_tuple[0] = *translated_client;
		f->nat_tuple[1] = *backend;
	} else {
		f->initiator = same_endpoint(translated_client, a) ? 0 : 1;
		f->nat = NAT_KEY_TRANSLATED;
		f->nat_tuple[0] = *client;
		f->nat_tuple[1] = *service;
	}
}

static __always_inline bool read_tuples(struct nf_conn *connection, struct conntrack_tuple *original,
					struct conntrack_tuple *reply)
{
	return bpf_core_read(original, sizeof(*original), &connection->tuplehash[0].tuple) == 0 &&
	       bpf_core_read(reply, sizeof(*reply), &connection->tuplehash[1].tuple) == 0;
}

/* Working memory of a lookup: too large for the stack of 512 bytes. */
struct nat_lookup {
	struct bpf_sock_tuple tuple;
	struct endpoint a, b; /* the key's endpoints */
	struct conntrack_tuple original, reply;
};

/* Scratch memory of lookups. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat_lookup);
} nat_scratch SEC(".maps");

static __always_inline struct nat_lookup *get_nat_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nat_scratch, &zero);
}

/* The conntrack entry that an outgoing packet carries; NULL if none. */
static __always_inline struct nf_conn *tracked_connection(struct __sk_buff *skb)
{
	unsigned long nfct = 0;

	bpf_probe_read_kernel(&nfct, sizeof(nfct),
			      (void *)skb + bpf_core_field_offset(struct sk_buff___tracked, _nfct));
	return (void *)(nfct & ~(unsigned long)CT_INFO_MASK);
}

/*
 * Records the NAT tuples of a packet's connection. An outgoing packet carries its conntrack entry, which may already be
 * gone from the table (a RST that answers a SYN removes it). Other packets are looked up by lookup->tuple.
 */
static __always_inline void resolve_nat(struct __sk_buff *skb, struct flow *f, struct nat_lookup *lookup,
					__u32 tuple_size, __u8 protocol, enum hook hook)
{
	struct bpf_ct_opts___local opts = {.netns_id = BPF_F_CURRENT_NETNS, .l4proto = protocol};
	struct nf_conn *connection;

	if (!(hook & HOOK_INGRESS)) {
		connection = tracked_connection(skb);
		if (connection && read_tuples(connection, &lookup->original, &lookup->reply)) {
			record_nat_tuples(f, &lookup->original, &lookup->reply, &lookup->a, &lookup->b);
			return;
		}
	}
	connection = bpf_skb_ct_lookup(skb, &lookup->tuple, tuple_size, &opts, sizeof(opts));
	if (!connection)
		return;
	if (read_tuples(connection, &lookup->original, &lookup->reply))
		record_nat_tuples(f, &lookup->original, &lookup->reply, &lookup->a, &lookup->b);
	bpf_ct_release(connection);
}

static __always_inline void set_endpoint4(struct endpoint *end, __u32 address, __u16 port)
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
	struct nat_lookup *lookup = get_nat_scratch();

	if (!lookup)
		return;
	set_endpoint4(&lookup->a, key->addr[0], key->port[0]);
	set_endpoint4(&lookup->b, key->addr[1], key->port[1]);
	lookup->tuple.ipv4.saddr = key->addr[sender ? 1 : 0];
	lookup->tuple.ipv4.daddr = key->addr[sender ? 0 : 1];
	lookup->tuple.ipv4.sport = key->port[sender ? 1 : 0];
	lookup->tuple.ipv4.dport = key->port[sender ? 0 : 1];
	resolve_nat(skb, f, lookup, sizeof(lookup->tuple.ipv4), key->protocol, hook);
}

static __always_inline void resolve_nat6(struct __sk_buff *skb, struct flow *f, const struct key6 *key, __u32 sender,
					 enum hook hook)
{
	struct nat_lookup *lookup = get_nat_scratch();

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
