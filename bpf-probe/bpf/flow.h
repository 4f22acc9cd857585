/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the kernel programs and flowprobe share: the flow map's entries, the messages of the rings, and the counters.
 * Included by both sides, so plain fixed-width types only.
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
} __attribute__((aligned(8)));

struct key6 {
	__u32 addr[2][4]; /* network byte order */
	__u16 port[2];
	__u8 protocol;
	__u8 bucket;
	__u16 zero;
} __attribute__((aligned(8)));

/* Separates packets that share addresses and ports but are no part of the same connection. */
enum bucket {
	BUCKET_NONE = 0,
	BUCKET_FRAGMENT = 1,	 /* a later IP fragment whose first fragment, with the ports, was not seen */
	BUCKET_ICMP_MESSAGE = 2, /* ICMP other than echo; the key's ports hold type and code */
};

/* Work that an entry's next packets still have to do; none in the steady state. */
enum attention {
	ATTEND_NAT = 1 << 0,	   /* ask conntrack what was translated */
	ATTEND_HANDSHAKE = 1 << 1, /* wait for the ACK that ends the handshake */
	ATTEND_OWNER_0 = 1 << 2,   /* find out which process has the socket of side 0 */
	ATTEND_OWNER_1 = 1 << 3,   /* ... of side 1 */
	ATTEND_HELLO = 1 << 4,	   /* pass on the TLS ClientHello, if the first payload is one */
	ATTEND_DNS = 1 << 5,	   /* pass on every payload: DNS; never cleared */
};

enum nat {
	NAT_UNKNOWN = 0, /* conntrack does not know the connection (yet) */
	NAT_NONE = 1,	 /* not translated */
	NAT_BEFORE = 2,	 /* the key is the tuple before translation, `other` the one after */
	NAT_AFTER = 3,	 /* the key is the tuple after translation, `other` the one before */
};

/* One end of a connection; IPv4 is in addr[0]. */
struct end {
	__u32 addr[4]; /* network byte order */
	__u16 port;    /* network byte order */
	__u16 zero;
};

/* Headers that a packet was wrapped in (struct tunnel); the flow is that of the packet inside. */
enum tunnel_kind {
	TUNNEL_NONE = 0,
	TUNNEL_VXLAN = 1,  /* RFC 7348 */
	TUNNEL_GENEVE = 2, /* RFC 8926 */
	TUNNEL_IP = 3,	   /* IPv4 or IPv6 directly in IP */
};

/*
 * One connection in one window: an entry of the map `flows`. Arrays of two are indexed by side of the sender. What
 * every packet reads and writes lies together in the entry's first cache line, with the key if that is of IPv4; what
 * few flows have is in maps of its own. User space leaves entries zeroed, and so each is when the kernel takes it.
 */
struct flow {
	/* Written for every packet. */
	__u64 bytes[2];
	__u64 packets[2];
	__u64 last; /* coarse monotonic clock, ns */
	__u8 tcp_flags[2];
	__u8 attention;	 /* enum attention */
	__u8 ends;	 /* bit side: that end is behind a watched pod interface */
	__u16 socket_at; /* when the local TCP socket was last asked, in 2^28 ns */
	__u8 family;	 /* 4 or 6: which of the keys holds; 0 if the entry is not used */
	__u8 zero;

	/* Written when the entry is made. */
	union {
		struct key4 key4;
		struct key6 key6;
	};
	__u64 first; /* coarse monotonic clock, ns */
	__u32 ifindex;
	__u16 vlan;	   /* outer VLAN id of the first packet; 0 if none */
	__u8 first_sender; /* side */
	__u8 tunnel;	   /* enum tunnel_kind; its addresses are in the map `tunnels` */
	__u8 icmp_type;
	__u8 icmp_code;

	/* Written when something happens. */
	__u8 nat;	  /* enum nat */
	__u8 nat_tries;	  /* conntrack lookups that may still be made */
	__u8 opener;	  /* side that opened the connection as conntrack has it; meaningful when nat is known */
	__u8 syn_from;	  /* side; meaningful when syns > 0 */
	__u8 synack_from; /* side; meaningful when synack_at > 0 */
	__u8 hello_left;  /* segments that may still complete a ClientHello */
	__u8 fin[2];
	__u8 rst[2];
	__u16 syns;	    /* SYNs of the current connection; more than one means repeated */
	__u16 reopened;	    /* connections that were opened after the first one, all within the window */
	__u16 ended;	    /* connections that ended before the current one was opened, within the window */
	__u16 unreachable;  /* ICMP said that a packet of the connection could not be delivered */
	__u32 syn_sequence; /* of the current connection's SYN, network byte order: tells a repeated SYN from a new one
			     */
	__u32 first_sequence; /* of the window's first SYN */
	__u32 owner[2];	      /* process of the socket; 0 if not known. See struct process */
	__u32 rtt_sum;	      /* microseconds, of rtt_samples readings of local TCP sockets */
	__u32 rtt_samples;
	__u32 rtt_min;	      /* microseconds; 0 if never read */
	__u64 syn_at;	      /* precise monotonic clock, ns: the first SYN */
	__u64 synack_at;      /* the first SYN-ACK */
	__u64 established_at; /* the ACK that ends the handshake */
	struct end other[2];  /* the ends under enum nat's other tuple: [0] the opener, [1] whom it addressed */
	__u32 trouble;	      /* user space's: which of the troubles is the flow's; 0 if none */
	__u8 earlier_fin[2];  /* FINs before the window's first SYN, where the other side's was not among them */
	__u16 unused;
	__u32 filling[8]; /* to the end of the last of four cache lines */
};

_Static_assert(sizeof(struct flow) == 256, "an entry is whole cache lines");

/* Who owns sockets: key is the process id. */
struct process {
	__u64 cgroup;
	char name[16];
};

/* What a tunnelled flow's packets are wrapped in; by the key of the flow inside. IPv4 mapped into IPv6. */
struct tunnel {
	__u32 addr[2][4]; /* by side: the tunnel's end on that side of the flow */
	__u32 id;	  /* VNI; 0 for IP in IP */
};

/* What went wrong with a connection in a window; by the flow's key, IPv4 mapped into IPv6. */
struct trouble {
	__u64 dropped_bytes;
	__u32 dropped_packets;
	__u32 retransmits;
	__u32 drop_reason; /* of the latest drop, enum skb_drop_reason of the running kernel */
	__u32 ifindex;	   /* of the latest drop */
	__u64 last;	   /* monotonic clock, ns */
	__u8 sender;	   /* side that sent what was dropped last */
	__u8 here;	   /* the latest drop was in the probe's network namespace */
	__u8 icmp_type, icmp_code;
	__u32 zero;
};

/* Messages of the `payloads` ring: payload for user space to read. */
enum payload_kind {
	PAYLOAD_DNS_DATAGRAM = 1,
	PAYLOAD_DNS_STREAM = 2,	  /* a TCP segment */
	PAYLOAD_CLIENT_HELLO = 3, /* the beginning of a TLS ClientHello */
	PAYLOAD_CLIENT_HELLO_MORE = 4,
};

#define MAX_PAYLOAD 4096

struct payload_message {
	__u32 kind;
	__u8 family;  /* 4 or 6: which of the keys holds */
	__u8 sender;  /* side */
	__u16 length; /* of `bytes` */
	__u32 whole;  /* length of the payload, of which `bytes` is the beginning */
	__u32 tcp_sequence;
	__u64 at; /* precise monotonic clock, ns */
	union {
		struct key4 key4;
		struct key6 key6;
	};
	__u8 bytes[MAX_PAYLOAD];
};

/* Messages of the `packets` ring: what had no place in the flow maps. */
enum packet_message_kind {
	MESSAGE_OVERFLOW = 1, /* struct overflow_message */
	MESSAGE_PRESSURE = 2, /* struct pressure_message: the maps fill up, flip early */
};

struct pressure_message {
	__u32 kind;
};

/* One packet that found no room in the flow map, as a flow of one packet. */
struct overflow_message {
	__u32 kind;
	__u32 zero;
	struct flow flow;
};

/* Per-CPU counters of the kernel programs; names in flowprobe/counters.c. */
enum counter {
	COUNTER_PACKETS_NOT_IP,	       /* not IPv4 or IPv6: not a flow */
	COUNTER_PACKETS_MALFORMED,     /* headers cut short or impossible */
	COUNTER_MAP_FULL_FALLBACKS,    /* packets that went through the ring instead of the map */
	COUNTER_LOST_PACKETS_MAP_FULL, /* map full and ring full */
	COUNTER_LOST_BYTES_MAP_FULL,
	COUNTER_LOST_PAYLOADS_RING_FULL, /* DNS messages and ClientHellos */
	COUNTER_LOST_TROUBLES_MAP_FULL,	 /* drops and retransmits that could not be noted */
	COUNTER_FRAGMENTS_UNKNOWN,	 /* later fragments counted without ports */
	COUNTERS,
};

#endif
