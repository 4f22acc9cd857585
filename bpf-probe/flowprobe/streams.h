/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the TCP segments that the kernel programs pass on back together. Bounded: few streams at a time, and short. */
#ifndef SONDE_STREAMS_H
#define SONDE_STREAMS_H

#include <stddef.h>
#include "flow.h"

#define STREAM_BYTES 16384

/* One direction of a connection, from where it was first passed on. */
struct stream {
	struct key6 key;
	__u8 sender;
	__u32 next; /* sequence number expected next */
	size_t size;
	__u8 bytes[STREAM_BYTES];
};

/*
 * Adds a segment and returns its stream, or NULL if it does not fit there: a gap or too long, and the stream is
 * forgotten. A repeated segment adds nothing. With `begin` it is the first of a new stream.
 */
struct stream *add_segment(const struct key6 *key, __u8 sender, __u32 sequence, const __u8 *bytes, size_t size,
			   __u32 whole, int begin);

/* Removes the first `size` bytes. */
void consume_stream(struct stream *stream, size_t size);

void forget_stream(struct stream *stream);

#endif
