/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Types shared by the kernel programs and flowprobe: map keys and values, ring buffer messages, counters. Fixed-width
 * types only.
 */
#ifndef SONDE_FLOW_H
#define SONDE_FLOW_H

#include <linux/types.h>

/*
 * Keys hold the two endpoints of a connection in canonical order, so that both directions find the same entry: the
 * endpoint with the lower port first; on equal ports the one with the lower address (compared as they lie in memory). A
 * "side" is an endpoint's index in that order, 0 or 1.
 */
struct key4 {
	__u32 addr[2]; /* network byte order */
	__u16 port[2]; /* network byte order; see struct packet for protocols without ports */
	__u8 protocol;
	__u8 key_kind; /* enum key_kind */
	__u16 zero;
} __attribute__((aligned(8)));

struct key6 {
	__u32 addr[2][4]; /* network byte order */
	__u16 port[2];
	__u8 protocol;
	__u8 key_kind;
	__u16 zero;
} __attribute__((aligned(8)));

/* Separates packets that share addresses and ports but belong to different connections. */
enum key_kind {
	KEY_CONNECTION = 0,
	KEY_FRAGMENT = 1,     /* a later IP fragment whose first fragment, with the ports, was not seen */
	KEY_ICMP_MESSAGE = 2, /* ICMP other than echo; the key's ports hold type and code */
};

/* Work left for the next packets of a flow; 0 in the steady state. */
enum pending_work {
	PENDING_NAT = 1 << 0,	    /* look up the NAT tuple in conntrack */
	PENDING_HANDSHAKE = 1 << 1, /* wait for the ACK that ends the handshake */
	PENDING_PROCESS_0 = 1 << 2, /* find the process of the socket on side 0 */
	PENDING_PROCESS_1 = 1 << 3, /* ... of side 1 */
	PENDING_HELLO = 1 << 4,	    /* send the TLS ClientHello to user space, if there is one */
	PENDING_DNS = 1 << 5,	    /* send every payload to user space; never cleared */
};

enum nat {
	NAT_UNKNOWN = 0,	/* conntrack does not know the connection (yet) */
	NAT_NONE = 1,		/* not translated */
	NAT_KEY_ORIGINAL = 2,	/* the key is the tuple before translation, `nat_tuple` the one after */
	NAT_KEY_TRANSLATED = 3, /* the key is the tuple after translation, `nat_tuple` the one before */
};

/* Address and port; IPv4 is in addr[0]. */
struct endpoint {
	__u32 addr[4]; /* network byte order */
	__u16 port;    /* network byte order */
	__u16 zero;
};

/* Encapsulation of a flow's packets (struct tunnel); the flow is that of the inner packet. */
enum tunnel_kind {
	TUNNEL_NONE = 0,
	TUNNEL_VXLAN = 1,  /* RFC 7348 */
	TUNNEL_GENEVE = 2, /* RFC 8926 */
	TUNNEL_IP = 3,	   /* IPv4 or IPv6 directly in IP */
};

/*
 * One connection in one window: an entry of the map `flows`. Arrays of two are indexed by side of the sender. The
 * first cache line holds what every packet reads and writes, and the IPv4 key; fields that few flows have are in maps
 * of their own. User space returns entries zeroed.
 */
struct flow {
	/* Written for every packet. */
	__u64 bytes[2];
	__u32 packets[2];
	__u32 data_next[2]; /* TCP sequence number after the latest data of side N; see `sequences` */
	__u64 last;	    /* coarse monotonic clock, ns */
	__u8 tcp_flags[2];
	__u8 pending;	      /* enum pending_work */
	__u8 local_sides;     /* bit N: side N is behind a watched pod interface */
	__u16 rtt_sampled_at; /* when the RTT was last read from the socket, in 2^28 ns */
	__u8 family;	      /* 4 or 6: which key is set; 0 if the entry is unused */
	__u8 sequences;	      /* bit N: the sequence numbers of side N are known */

	/* Written when the entry is created. */
	union {
		struct key4 key4;
		struct key6 key6;
	};
	__u64 first; /* coarse monotonic clock, ns */
	__u32 ifindex;
	__u16 vlan;	   /* outer VLAN id of the first packet; 0 if none */
	__u8 first_sender; /* side */
	__u8 tunnel;	   /* enum tunnel_kind; more is in the map `tunnels` */
	__u8 icmp_type;
	__u8 icmp_code;

	/* Written on events. */
	__u8 nat;	       /* enum nat */
	__u8 nat_lookups_left; /* conntrack lookups left */
	__u8 initiator;	       /* side that opened the connection, from conntrack; valid when nat is known */
	__u8 syn_from;	       /* side; valid when syns > 0 */
	__u8 synack_from;      /* side; valid when synack_at > 0 */
	__u8 hello_left;       /* segments that may still complete a ClientHello */
	__u8 fin[2];
	__u8 rst[2];
	__u16 syns;	      /* SYNs of the current connection; more than one: retransmitted */
	__u16 reopened;	      /* connections opened after the first one in this window */
	__u16 ended;	      /* connections that ended in this window before the current one was opened */
	__u16 unreachable;    /* an ICMP error refused a packet (unreachable.h) */
	__u32 syn_sequence;   /* of the current SYN: detects SYN retransmits */
	__u32 first_sequence; /* of the window's first SYN */
	__u32 pid[2];	      /* process id of the socket by side; 0 if unknown. See struct process */
	__u32 rtt_sum;	      /* microseconds, of rtt_samples readings of local TCP sockets */
	__u32 rtt_samples;
	__u32 rtt_min;		      /* microseconds; 0 if never read */
	__u64 syn_at;		      /* precise monotonic clock, ns: the first SYN */
	__u64 synack_at;	      /* the first SYN-ACK */
	__u64 established_at;	      /* the ACK that ends the handshake */
	struct endpoint nat_tuple[2]; /* the other tuple (enum nat): [0] initiator, [1] responder */
	__u32 health;		      /* user space only: position of the flow's struct flow_health plus 1; 0 if none */
	__u8 earlier_fin[2];	      /* FINs before the window's first SYN, by side */
	__u16 unused;
	__u32 data_begin[2]; /* sequence number of the window's first data, by side */
	__u32 resent[2];     /* segments sent again, by their sequence numbers */
	__u32 pad[4];	     /* fills the fourth cache line */
};

_Static_assert(sizeof(struct flow) == 256, "an entry must be whole cache lines");

/* Process that created sockets; key: process id. */
struct process {
	__u64 cgroup;
	char name[16];
};

/* Tunnel of a flow; key: that of the inner flow. IPv4 is mapped into IPv6. */
struct tunnel {
	__u32 addr[2][4]; /* by side: outer address on that side of the flow */
	__u32 id;	  /* VNI; 0 for IP in IP */
	__u32 kind;	  /* enum tunnel_kind */
};

/* Drops and retransmits that the kernel reported for a flow in a window; key: the flow's, with IPv4 mapped into IPv6.
 */
struct flow_health {
	__u64 dropped_bytes;
	__u32 dropped_packets;
	__u32 retransmits;
	__u32 drop_reason; /* of the latest drop, enum skb_drop_reason of the running kernel */
	__u32 ifindex;	   /* of the latest drop */
	__u64 last;	   /* monotonic clock, ns */
	__u8 sender;	   /* sender of the latest dropped packet */
	__u8 in_own_netns; /* a packet was dropped in the probe's network namespace */
	__u8 icmp_type, icmp_code;
	__u32 zero;
};

/* Messages of the ring buffer `payloads`. */
enum payload_kind {
	PAYLOAD_DNS_DATAGRAM = 1,
	PAYLOAD_DNS_STREAM = 2,	  /* a TCP segment */
	PAYLOAD_CLIENT_HELLO = 3, /* the beginning of a TLS ClientHello */
	PAYLOAD_CLIENT_HELLO_MORE = 4,
};

#define MAX_PAYLOAD 4096

struct payload_message {
	__u32 kind;
	__u8 family;	    /* 4 or 6: which key is set */
	__u8 sender;	    /* side */
	__u16 length;	    /* of `bytes` */
	__u32 full_length;  /* length of the whole payload; `bytes` may be truncated */
	__u32 tcp_sequence; /* host byte order */
	__u64 at;	    /* precise monotonic clock, ns */
	union {
		struct key4 key4;
		struct key6 key6;
	};
	__u8 bytes[MAX_PAYLOAD];
};

/* Messages of the ring buffer `packets`. */
enum packet_message_kind {
	MESSAGE_OVERFLOW = 1,	  /* struct overflow_message */
	MESSAGE_MAP_PRESSURE = 2, /* struct pressure_message: the map is filling up, end the window early */
};

struct pressure_message {
	__u32 kind;
};

/* A packet that did not fit into the flow map, as a flow of one packet. */
struct overflow_message {
	__u32 kind;
	__u32 zero;
	struct flow flow;
};

/* Per-CPU counters of the kernel programs; names in flowprobe/output/counters.c. */
enum counter {
	COUNTER_PACKETS_NOT_IP,		 /* neither IPv4 nor IPv6 */
	COUNTER_PACKETS_MALFORMED,	 /* truncated or invalid headers */
	COUNTER_PACKETS_VIA_RING_BUFFER, /* sent through the ring buffer because the map was full */
	COUNTER_LOST_PACKETS_MAP_FULL,	 /* map and ring buffer full */
	COUNTER_LOST_BYTES_MAP_FULL,
	COUNTER_LOST_PAYLOADS_RING_FULL,     /* DNS messages and ClientHellos */
	COUNTER_LOST_HEALTH_EVENTS_MAP_FULL, /* drops and retransmits not recorded */
	COUNTER_FRAGMENTS_UNMATCHED,	     /* later fragments whose first fragment was not seen */
	COUNTERS,
};

#endif
