// SPDX-License-Identifier: Apache-2.0
/* Feeds arbitrary bytes to the parsers of DNS messages and TLS ClientHellos, and to TCP reassembly. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "payload/dns_message.h"
#include "payload/tcp_streams.h"
#include "payload/tls.h"

/* Parsers get a copy of exactly these bytes, so that AddressSanitizer detects reads beyond them. */
static void read_copy(const __u8 *bytes, size_t size)
{
	static struct dns_message message;
	char name[MAX_SERVER_NAME + 1];
	__u8 *copy = malloc(size);

	memcpy(copy, bytes, size);
	if (read_dns_message(copy, size, &message)) {
		assert(message.address_count <= MAX_DNS_ADDRESSES);
		assert(strlen(message.question_name) <= MAX_DNS_NAME);
	}
	if (read_server_name(copy, size, name) == HELLO_NAMED)
		assert(strlen(name) > 0 && strlen(name) <= MAX_SERVER_NAME);
	free(copy);
}

int LLVMFuzzerTestOneInput(const __u8 *bytes, size_t size)
{
	struct key6 key = {.protocol = 6};
	__u32 sequence = 0;

	read_copy(bytes, size);
	/* The same bytes as segments: each begins with its length and how far its sequence number is off. */
	while (size > 2) {
		size_t length = bytes[0] < size - 2 ? bytes[0] : size - 2;
		struct tcp_stream *stream = add_segment(&key, bytes[1] & 1, sequence + (bytes[1] >> 6), bytes + 2,
							length, length, bytes[1] == 0xff);

		if (stream && stream->size > 100)
			consume_stream(stream, 50);
		sequence += length;
		bytes += 2 + length;
		size -= 2 + length;
	}
	return 0;
}
