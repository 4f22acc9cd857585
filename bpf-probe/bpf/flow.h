/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the kernel programs and flowprobe share: the keys and values of the flow maps, the messages of the
 * rings, and the counters. Included by both sides, so plain fixed-width types only.
 */
#ifndef SONDE_FLOW_H
#define SONDE_FLOW_H

#include <linux/types.h>

/*
 * The two ends of a connection are stored in an order of their own ("canonical"), not by direction, so that both
 * directions find the same entry: the end with the lower port comes first, on equal ports the one with the lower
 * address (both compared as they lie in memory). A "side" is an end's index in that order, 0 or 1.
 */
struct key4 {
	__u32 addr[2]; /* network byte order */
	__u16 port[2]; /* network byte order; see struct packet for protocols without ports */
	__u8 protocol;
	__u8 bucket; /* enum bucket */
	__u16 zero;
};

struct key6 {
	__u32 addr[2][4]; /* network byte order */
	__u16 port[2];
	__u8 protocol;
	__u8 bucket;
	__u16 zero;
};

/* Separates packets that share addresses and ports but are no part of the same connection. */
enum bucket {
	BUCKET_NONE = 0,
	BUCKET_FRAGMENT = 1, /* a later IP fragment whose first fragment, with the ports, was not seen */
	BUCKET_ICMP_MESSAGE = 2, /* ICMP other than echo; the key's ports hold type and code */
};

/* Work that an entry's next packets still have to do; none in the steady state. */
enum attention {
	ATTEND_NAT = 1 << 0,	   /* ask conntrack what was translated */
	ATTEND_HANDSHAKE = 1 << 1, /* wait for the ACK that ends the handshake */
};

enum nat {
	NAT_UNKNOWN = 0,    /* conntrack does not know the connection (yet) */
	NAT_NONE = 1,	    /* not translated */
	NAT_BEFORE = 2,	    /* the key is the tuple before translation, `other` the one after */
	NAT_AFTER = 3,	    /* the key is the tuple after translation, `other` the one before */
};

/* One end of a connection; IPv4 is in addr[0]. */
struct end {
	__u32 addr[4]; /* network byte order */
	__u16 port;    /* network byte order */
	__u16 zero;
};

/* Value of the flow maps: one connection in one window. Arrays of two are indexed by side of the sender. */
struct flow {
	/* Written for every packet. */
	__u64 bytes[2];
	__u64 packets[2];
	__u64 last; /* coarse monotonic clock, ns */
	__u8 tcp_flags[2];
	__u8 attention; /* enum attention */
	__u8 ends;	/* bit side: that end is behind a watched pod interface */
	__u32 socket_at; /* when the local TCP socket was last asked, in 2^20 ns */

	/* Written when the entry is made. */
	__u64 first; /* coarse monotonic clock, ns */
	__u32 ifindex;
	__u32 sampling;
	__u8 first_sender; /* side */
	__u8 icmp_type;
	__u8 icmp_code;

	/* Written when something happens. */
	__u8 nat;	/* enum nat */
	__u8 nat_tries; /* conntrack lookups that may still be made */
	__u8 syn_from;	/* side; meaningful when syns > 0 */
	__u8 synack_from; /* side; meaningful when synack_at > 0 */
	__u8 fin[2];
	__u8 rst[2];
	__u8 opener; /* side that opened the connection as conntrack has it; meaningful when nat is known */
	__u16 syns;	   /* SYNs of the current connection; more than one means repeated */
	__u16 reopened;	   /* connections that ended before the current one, all within the window */
	__u64 syn_at;	   /* precise monotonic clock, ns: the first SYN */
	__u64 synack_at;   /* the first SYN-ACK */
	__u64 established_at; /* the ACK that ends the handshake */
	__u32 rtt_sum;	   /* microseconds, of rtt_samples readings of local TCP sockets */
	__u32 rtt_samples;
	__u32 rtt_min; /* microseconds; 0 if never read */
	struct end other[2]; /* the ends under enum nat's other tuple: [0] the opener, [1] whom it addressed */
};

/* Messages of the `packets` ring: what had no place in the flow maps. */
enum packet_message_kind {
	MESSAGE_OVERFLOW = 1, /* struct overflow_message */
	MESSAGE_PRESSURE = 2, /* struct pressure_message: the maps fill up, flip early */
};

struct pressure_message {
	__u32 kind;
};

/* One packet that found its flow map full, as a flow of one packet. */
struct overflow_message {
	__u32 kind;
	__u32 family; /* 4 or 6: which of the keys holds */
	union {
		struct key4 key4;
		struct key6 key6;
	};
	struct flow flow;
};

/* Per-CPU counters of the kernel programs; names in flowprobe/counters.c. */
enum counter {
	COUNTER_PACKETS_NOT_IP,	  /* not IPv4 or IPv6: not a flow */
	COUNTER_PACKETS_MALFORMED, /* headers cut short or impossible */
	COUNTER_MAP_FULL_FALLBACKS, /* packets that went through the ring instead of the map */
	COUNTER_LOST_PACKETS_MAP_FULL, /* map full and ring full */
	COUNTER_LOST_BYTES_MAP_FULL,
	COUNTERS,
};

#endif
