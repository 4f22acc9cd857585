/* SPDX-License-Identifier: Apache-2.0 */
/* Reads numbers in network byte order from bytes that a stranger sent, never beyond their end. */
#ifndef SONDE_CURSOR_H
#define SONDE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct cursor {
	const __u8 *bytes;
	size_t size;
	size_t at;
	bool failed; /* something was read beyond the end; all values since are 0 */
};

static inline const __u8 *cursor_take(struct cursor *cursor, size_t size)
{
	const __u8 *taken;

	if (cursor->failed || size > cursor->size - cursor->at) {
		cursor->failed = true;
		return NULL;
	}
	taken = cursor->bytes + cursor->at;
	cursor->at += size;
	return taken;
}

static inline __u32 cursor_number(struct cursor *cursor, size_t size)
{
	const __u8 *taken = cursor_take(cursor, size);
	__u32 value = 0;

	for (size_t i = 0; taken && i < size; i++)
		value = value << 8 | taken[i];
	return value;
}

/* A cursor over the next `size` bytes, which are taken. */
static inline struct cursor cursor_part(struct cursor *cursor, size_t size)
{
	const __u8 *taken = cursor_take(cursor, size);

	return (struct cursor){.bytes = taken, .size = taken ? size : 0, .failed = !taken};
}

#endif
