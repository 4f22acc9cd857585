/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be remembered of a connection from one window to the next, because it is seen only once: who opened it,
 * when its handshake began, what was translated, which ends have closed. Bounded; the longest unseen are forgotten.
 */
#ifndef SONDE_CONNECTIONS_H
#define SONDE_CONNECTIONS_H

#include <stdbool.h>
#include "flow.h"

struct connection {
	struct key6 key;
	__u8 client; /* side */
	__u8 nat;    /* enum nat: NAT_UNKNOWN, NAT_NONE or NAT_BEFORE */
	__u8 fin[2];
	bool reset;
	bool answered;	  /* the server has sent something */
	bool unreachable; /* ICMP said so of its SYN, which the client may send again */
	struct end other[2];
	__u64 syn_at;	    /* of a handshake that is still going on, else 0 */
	bool opened;	    /* a SYN was seen */
	__u32 syn_sequence; /* of the latest one */
	__u32 tls_server;   /* number in NAMES_TLS_SERVERS; 0 if not known */
	__u32 tls_window;   /* number of the window in which it was learned */
	/* Positions of the neighbours in the order of last use; the table's own. */
	__u32 newer, older;
};

struct connections;

/* Room for `capacity` connections; memory is taken as they come. */
struct connections *make_connections(__u32 capacity);

/* Begins to load from memory what finding `key` needs. */
void prefetch_connection(const struct connections *connections, const struct key6 *key);

/* NULL if the connection is not known. Valid until the next call. */
struct connection *find_connection(struct connections *connections, const struct key6 *key);

/* The connection's entry, new or known, as the latest used; forgets the longest unused one if there is no room. */
struct connection *remember_connection(struct connections *connections, const struct key6 *key);

void forget_connection(struct connections *connections, struct connection *connection);

/* Forgets the server names of all connections: their numbers are void. */
void forget_tls_servers(struct connections *connections);

__u32 connections_known(const struct connections *connections);
__u64 connections_forgotten(const struct connections *connections);

#endif
