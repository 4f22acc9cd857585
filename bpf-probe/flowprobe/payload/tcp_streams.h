/* SPDX-License-Identifier: Apache-2.0 */
/* Reassembles the TCP segments that the kernel programs send. Bounded in number and length of streams. */
#ifndef SONDE_TCP_STREAMS_H
#define SONDE_TCP_STREAMS_H

#include <stddef.h>
#include "flow.h"

#define MAX_STREAM_BYTES 16384

/* One direction of a connection. */
struct tcp_stream {
	struct key6 key;
	__u8 sender;
	__u32 next; /* sequence number expected next */
	size_t size;
	__u8 bytes[MAX_STREAM_BYTES];
};

/*
 * Adds a segment and returns its stream. On a gap, or if the stream is too long, removes the stream and returns NULL. A
 * retransmitted segment adds nothing. `begin` starts a new stream.
 */
struct tcp_stream *add_segment(const struct key6 *key, __u8 sender, __u32 sequence, const __u8 *bytes, size_t size,
			       __u32 whole, int begin);

/* Removes the first `size` bytes. */
void consume_stream(struct tcp_stream *stream, size_t size);

void remove_stream(struct tcp_stream *stream);

#endif
