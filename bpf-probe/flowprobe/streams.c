// SPDX-License-Identifier: Apache-2.0
#include "streams.h"

#include <string.h>

#define STREAMS 256

/* The unused ones have protocol 0. A new stream takes the place of the one that was begun longest ago. */
static struct stream streams[STREAMS];
static unsigned next_place;

static struct stream *find_stream(const struct key6 *key, __u8 sender)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		if (streams[i].sender == sender && memcmp(&streams[i].key, key, sizeof(*key)) == 0)
			return &streams[i];
	}
	return NULL;
}

static struct stream *begin_stream(const struct key6 *key, __u8 sender, __u32 sequence)
{
	struct stream *stream = &streams[next_place++ % STREAMS];

	stream->key = *key;
	stream->sender = sender;
	stream->next = sequence;
	stream->size = 0;
	return stream;
}

struct stream *add_segment(const struct key6 *key, __u8 sender, __u32 sequence, const __u8 *bytes, size_t size,
			   __u32 whole, int begin)
{
	struct stream *stream = find_stream(key, sender);

	if (stream && (__s32)(sequence + whole - stream->next) <= 0 && !begin)
		return stream;
	if (stream && (begin || sequence != stream->next)) {
		forget_stream(stream);
		stream = NULL;
	}
	if (!stream)
		stream = begin_stream(key, sender, sequence);
	if (size != whole || stream->size + size > STREAM_BYTES) {
		forget_stream(stream);
		return NULL;
	}
	memcpy(stream->bytes + stream->size, bytes, size);
	stream->size += size;
	stream->next = sequence + whole;
	return stream;
}

void consume_stream(struct stream *stream, size_t size)
{
	stream->size -= size;
	memmove(stream->bytes, stream->bytes + size, stream->size);
}

void forget_stream(struct stream *stream)
{
	memset(&stream->key, 0, sizeof(stream->key));
}
