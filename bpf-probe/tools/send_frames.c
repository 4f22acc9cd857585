// SPDX-License-Identifier: Apache-2.0
/* send_frames INTERFACE HEX...: sends raw frames, for headers that the kernel has no devices for. */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exit.h"

static size_t read_hex(const char *text, unsigned char *bytes, size_t max)
{
	size_t size = 0;

	for (; size < max && sscanf(text + size * 2, "%2hhx", &bytes[size]) == 1; size++)
		;
	return size;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	unsigned char bytes[2048];

	if (argc < 3 || descriptor < 0)
		fail(EXIT_USAGE, "usage: send_frames INTERFACE HEX... (as root)");
	address.sll_ifindex = if_nametoindex(argv[1]);
	for (int i = 2; i < argc; i++) {
		size_t size = read_hex(argv[i], bytes, sizeof(bytes));

		if (sendto(descriptor, bytes, size, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
			fail(EXIT_OTHER, "cannot send: %s", strerror(errno));
	}
	return EXIT_OK;
}
