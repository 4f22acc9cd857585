/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of TCP connections that are older than the probe: the side whose port is listened on is the server. Their
 * handshake was not seen.
 */
#ifndef SONDE_EXISTING_CONNECTIONS_H
#define SONDE_EXISTING_CONNECTIONS_H

#include "flows/connections.h"

/* Notes a socket, if it is a listening or connected TCP socket. */
void note_socket(int socket);

/* Tracks the connections of the noted sockets, then forgets the sockets. */
void track_existing_connections(struct connections *connections);

#endif
