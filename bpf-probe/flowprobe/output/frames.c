// SPDX-License-Identifier: Apache-2.0
#include "output/frames.h"
#include "exit.h"
#include "output/stream.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC		 0x444E4F53u
#define PROTOCOL_VERSION 1
#define HEADER_SIZE	 16

static __u32 sequence;

/* The frame that is being filled, its header included. */
static struct {
	__u8 *bytes;
	size_t size;
	size_t capacity;
} frame;

void put(const void *bytes, size_t size)
{
	if (frame.size + size > frame.capacity) {
		frame.capacity = (frame.size + size) * 2;
		frame.bytes = realloc(frame.bytes, frame.capacity);
		if (!frame.bytes)
			fail(EXIT_OTHER, "out of memory");
	}
	memcpy(frame.bytes + frame.size, bytes, size);
	frame.size += size;
}

void put_u8(__u8 value)
{
	put(&value, sizeof(value));
}

void put_u16(__u16 value)
{
	put(&value, sizeof(value));
}

void put_u32(__u32 value)
{
	put(&value, sizeof(value));
}

void put_u64(__u64 value)
{
	put(&value, sizeof(value));
}

void put_string(const char *text)
{
	size_t length = strlen(text);

	if (length > 0xffff)
		length = 0xffff;
	put_u16(length);
	put(text, length);
}

void begin_frame(enum frame_type type)
{
	frame.size = 0;
	put_u32(MAGIC);
	put_u16(PROTOCOL_VERSION);
	put_u16(type);
	put_u32(0); /* the payload's length, known when it is sent */
	put_u32(sequence++);
}

void send_frame(void)
{
	__u32 length = frame.size - HEADER_SIZE;

	memcpy(frame.bytes + 8, &length, sizeof(length));
	write_output(frame.bytes, frame.size);
}

/* A FLOWS frame, apart from the others: they may be sent while this one is filled. */
static struct {
	__u32 magic;
	__u16 version;
	__u16 type;
	__u32 length;
	__u32 sequence;
	__u32 count;
	__u32 stride;
	struct flow_record records[RECORDS_PER_FRAME];
} flows = {MAGIC, PROTOCOL_VERSION, FRAME_FLOWS, .stride = sizeof(struct flow_record)};

struct flow_record *flow_records(void)
{
	return flows.records;
}

void send_flows(size_t count)
{
	if (!count)
		return;
	flows.length = 2 * sizeof(__u32) + count * sizeof(struct flow_record);
	flows.sequence = sequence++;
	flows.count = count;
	write_output(&flows, HEADER_SIZE + flows.length);
}
