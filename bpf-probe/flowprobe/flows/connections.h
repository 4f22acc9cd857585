/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection tracking across windows, for what is seen only once: the client, the start of the handshake, NAT, FINs. A
 * bounded table; the least recently used connections are evicted, ended ones first. Ended connections stay for a while,
 * because late packets (repeated FINs, RST) belong to them.
 */
#ifndef SONDE_CONNECTIONS_H
#define SONDE_CONNECTIONS_H

#include <stdbool.h>
#include "flow.h"

/* How the client of a connection was determined; 1 is given by readers that know what the cluster declares. */
enum orientation {
	ORIENTATION_SEEN = 0,
	ORIENTATION_SOCKET = 2,
	ORIENTATION_CONNTRACK = 3,
	ORIENTATION_GUESSED = 4,
};

struct connection {
	struct key6 key;
	__u64 first;	  /* monotonic clock, ns: the SYN or the first packet that was seen */
	__u64 last;	  /* the latest packet */
	__u8 client;	  /* side */
	__u8 orientation; /* enum orientation: how the client was determined */
	__u8 nat;	  /* enum nat: NAT_UNKNOWN, NAT_NONE or NAT_KEY_ORIGINAL */
	__u8 fin[2];
	bool reset;
	bool answered;	  /* the server sent a packet */
	bool unreachable; /* an ICMP error answered its SYN */
	struct endpoint nat_tuple[2];
	__u64 syn_at;	    /* of a handshake in progress, else 0 */
	bool opened;	    /* a SYN was seen */
	__u32 syn_sequence; /* of the latest one */
	__u32 data_next[2]; /* TCP sequence numbers after the latest data, by side; see `sequences` */
	__u8 sequences;	    /* bit N: that of side N is known */
	__u32 tls_server;   /* number in NAMES_TLS_SERVERS; 0 if not known */
	__u32 tls_window;   /* window in which it was seen */
	/* Private to the table: the LRU list, and the neighbors in it. */
	bool is_over;
	__u32 newer, older;
};

struct connections;

/* Creates a table for `capacity` connections; memory is allocated as it is used. */
struct connections *create_connections(__u32 capacity);

/* Prefetches the memory that find_connection() reads for `key`. */
void prefetch_connection(const struct connections *connections, const struct key6 *key);

/* Returns NULL if the connection is not tracked. Valid until the next call. */
struct connection *find_connection(struct connections *connections, const struct key6 *key);

/* Returns the entry of a connection, new or existing, as the most recently used. Evicts another one if needed. */
struct connection *track_connection(struct connections *connections, const struct key6 *key);

void remove_connection(struct connections *connections, struct connection *connection);

/* Says whether a connection has ended. */
void set_over(struct connections *connections, struct connection *connection, bool is_over);

/* Removes connections that ended long before `now`. */
void expire_connections(struct connections *connections, __u64 now);

/* Clears the server names of all connections, because their numbers are no longer valid. */
void clear_tls_servers(struct connections *connections);

__u32 connections_tracked(const struct connections *connections);

/* Evicted connections that had not ended. */
__u64 connections_evicted(const struct connections *connections);

#endif
