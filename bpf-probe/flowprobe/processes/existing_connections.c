// SPDX-License-Identifier: Apache-2.0
#include "processes/existing_connections.h"
#include "exit.h"
#include "flows/ipv4_mapped.h"
#include "flows/nat.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* include/uapi/asm-generic/socket.h, since Linux 5.14: identifies the socket's network namespace. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

struct listener {
	__u64 netns;
	__u64 port; /* network byte order */
};

struct connected_socket {
	__u64 netns;
	struct endpoint ends[2]; /* local and remote */
};

static struct listener *listeners;
static struct connected_socket *connected;
static size_t listener_count, connected_count;

/* Makes room for one more element after `count`, doubling the array. */
static void *grown(void *array, size_t count, size_t size)
{
	if (count && (count & (count - 1)))
		return array;
	array = realloc(array, (count ? 2 * count : 1) * size);
	if (!array)
		fail(EXIT_OTHER, "out of memory");
	return array;
}

static int option(int socket, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(socket, SOL_SOCKET, name, &value, &size) ? 0 : value;
}

static __u64 netns_of(int socket)
{
	__u64 cookie = 0;
	socklen_t size = sizeof(cookie);

	getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
	return cookie;
}

static struct endpoint endpoint_of(const struct sockaddr_storage *address)
{
	struct endpoint end = {};

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)address;

		map_address(end.addr, v4->sin_addr.s_addr);
		end.port = v4->sin_port;
	} else {
		const struct sockaddr_in6 *v6 = (const void *)address;

		memcpy(end.addr, &v6->sin6_addr, sizeof(end.addr));
		end.port = v6->sin6_port;
	}
	return end;
}

void note_socket(int socket)
{
	struct sockaddr_storage local = {}, remote = {};
	socklen_t local_size = sizeof(local), remote_size = sizeof(remote);

	if (option(socket, SO_PROTOCOL) != IPPROTO_TCP ||
	    getsockname(socket, (struct sockaddr *)&local, &local_size) != 0)
		return;
	if (option(socket, SO_ACCEPTCONN)) {
		listeners = grown(listeners, listener_count, sizeof(*listeners));
		listeners[listener_count++] = (struct listener){netns_of(socket), endpoint_of(&local).port};
	} else if (getpeername(socket, (struct sockaddr *)&remote, &remote_size) == 0) {
		connected = grown(connected, connected_count, sizeof(*connected));
		connected[connected_count++] =
			(struct connected_socket){netns_of(socket), {endpoint_of(&local), endpoint_of(&remote)}};
	}
}

static int compare_listeners(const void *first, const void *second)
{
	const struct listener *a = first, *b = second;

	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	return a->port < b->port ? -1 : a->port > b->port;
}

void track_existing_connections(struct connections *connections)
{
	if (listener_count)
		qsort(listeners, listener_count, sizeof(*listeners), compare_listeners);
	for (size_t i = 0; i < connected_count; i++) {
		const struct connected_socket *socket = &connected[i];
		const struct listener wanted = {socket->netns, socket->ends[0].port};
		bool is_server = listener_count &&
				 bsearch(&wanted, listeners, listener_count, sizeof(*listeners), compare_listeners);
		int local;
		struct key6 key = endpoints_key(socket->ends, IPPROTO_TCP, &local);
		struct connection *connection = track_connection(connections, &key);

		connection->client = is_server ? !local : local;
		connection->orientation = ORIENTATION_SOCKET;
	}
	free(listeners);
	free(connected);
	listeners = NULL;
	connected = NULL;
	listener_count = connected_count = 0;
}
