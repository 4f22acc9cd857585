// SPDX-License-Identifier: Apache-2.0
#include "payload/tcp_streams.h"

#include <string.h>

#define MAX_STREAMS 256

/* Unused ones have protocol 0. A new stream replaces the oldest one. */
static struct tcp_stream streams[MAX_STREAMS];
static unsigned next_position;

static struct tcp_stream *find_stream(const struct key6 *key, __u8 sender)
{
	for (unsigned i = 0; i < MAX_STREAMS; i++) {
		if (streams[i].sender == sender && memcmp(&streams[i].key, key, sizeof(*key)) == 0)
			return &streams[i];
	}
	return NULL;
}

static struct tcp_stream *create_stream(const struct key6 *key, __u8 sender, __u32 sequence)
{
	struct tcp_stream *stream = &streams[next_position++ % MAX_STREAMS];

	stream->key = *key;
	stream->sender = sender;
	stream->next = sequence;
	stream->size = 0;
	return stream;
}

struct tcp_stream *add_segment(const struct key6 *key, __u8 sender, __u32 sequence, const __u8 *bytes, size_t size,
			       __u32 whole, int begin)
{
	struct tcp_stream *stream = find_stream(key, sender);

	if (stream && (__s32)(sequence + whole - stream->next) <= 0 && !begin)
		return stream;
	if (stream && (begin || sequence != stream->next)) {
		remove_stream(stream);
		stream = NULL;
	}
	if (!stream)
		stream = create_stream(key, sender, sequence);
	if (size != whole || stream->size + size > MAX_STREAM_BYTES) {
		remove_stream(stream);
		return NULL;
	}
	memcpy(stream->bytes + stream->size, bytes, size);
	stream->size += size;
	stream->next = sequence + whole;
	return stream;
}

void consume_stream(struct tcp_stream *stream, size_t size)
{
	stream->size -= size;
	memmove(stream->bytes, stream->bytes + size, stream->size);
}

void remove_stream(struct tcp_stream *stream)
{
	memset(&stream->key, 0, sizeof(stream->key));
}
