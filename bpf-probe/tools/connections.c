// SPDX-License-Identifier: Apache-2.0
/*
 * connections serve ADDRESS PORT: prints "ready", accepts TCP connections one at a time, echoes the first read, closes.
 * connections open ADDRESS PORT COUNT SIZE: opens COUNT connections one at a time, sends SIZE bytes (one segment) on
 * each and waits until the server closes it.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exit.h"

#define MAX_SIZE 1000
#define BACKLOG	 1024

static void require(int result, const char *what)
{
	if (result < 0)
		fail(EXIT_OTHER, "cannot %s: %s", what, strerror(errno));
}

static int create_socket(const struct addrinfo *address)
{
	int descriptor = socket(address->ai_family, SOCK_STREAM, 0);

	require(descriptor, "create a socket");
	return descriptor;
}

static void serve(const struct addrinfo *address)
{
	int listening = create_socket(address);
	char bytes[MAX_SIZE];

	require(bind(listening, address->ai_addr, address->ai_addrlen), "bind");
	require(listen(listening, BACKLOG), "listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int connection = accept(listening, NULL, NULL);
		ssize_t length;

		require(connection, "accept");
		length = read(connection, bytes, sizeof(bytes));
		if (length > 0)
			require(write(connection, bytes, length), "reply");
		close(connection);
	}
}

static void open_once(const struct addrinfo *address, size_t size)
{
	int connection = create_socket(address);
	char bytes[MAX_SIZE] = {};

	require(connect(connection, address->ai_addr, address->ai_addrlen), "connect");
	require(write(connection, bytes, size), "send");
	while (read(connection, bytes, sizeof(bytes)) > 0)
		;
	close(connection);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *address;

	if (argc < 4 || getaddrinfo(argv[2], argv[3], &hints, &address))
		fail(EXIT_USAGE, "usage: connections serve|open ADDRESS PORT [COUNT SIZE]");
	if (strcmp(argv[1], "serve") == 0)
		serve(address);
	if (argc != 6 || atoi(argv[5]) > MAX_SIZE)
		fail(EXIT_USAGE, "usage: connections open ADDRESS PORT COUNT SIZE");
	for (int i = 0; i < atoi(argv[4]); i++)
		open_once(address, atoi(argv[5]));
	freeaddrinfo(address);
	return EXIT_OK;
}
