// SPDX-License-Identifier: Apache-2.0
#include "output/stream.h"
#include "exit.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int descriptor = STDOUT_FILENO;

void open_output(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path)
		return;
	if (strlen(path) >= sizeof(address.sun_path))
		fail(EXIT_USAGE, "--output: the path of a Unix socket has at most %zu bytes",
		     sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof(address)))
		fail(EXIT_OTHER, "cannot connect to the socket %s: %s", path, strerror(errno));
}

int output_fd(void)
{
	return descriptor;
}

void write_output(const void *bytes, size_t size)
{
	const char *rest = bytes;

	while (size) {
		ssize_t written = write(descriptor, rest, size);

		if (written >= 0) {
			rest += written;
			size -= written;
		} else if (errno == EAGAIN) {
			struct pollfd writable = {.fd = descriptor, .events = POLLOUT};

			poll(&writable, 1, -1);
		} else if (errno == EPIPE || errno == ECONNRESET) {
			exit(EXIT_OK); /* Nobody reads any more. */
		} else if (errno != EINTR) {
			fail(EXIT_OTHER, "cannot write: %s", strerror(errno));
		}
	}
}
