/* SPDX-License-Identifier: Apache-2.0 */
/* Reads untrusted bytes in network byte order, with bounds checks. */
#ifndef SONDE_CURSOR_H
#define SONDE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct cursor {
	const __u8 *bytes;
	size_t size;
	size_t at;
	bool failed; /* a read went beyond the end; later values are 0 */
};

static inline const __u8 *cursor_bytes(struct cursor *cursor, size_t size)
{
	const __u8 *bytes;

	if (cursor->failed || size > cursor->size - cursor->at) {
		cursor->failed = true;
		return NULL;
	}
	bytes = cursor->bytes + cursor->at;
	cursor->at += size;
	return bytes;
}

static inline __u32 cursor_number(struct cursor *cursor, size_t size)
{
	const __u8 *bytes = cursor_bytes(cursor, size);
	__u32 value = 0;

	for (size_t i = 0; bytes && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Returns a cursor over the next `size` bytes and skips them. */
static inline struct cursor cursor_part(struct cursor *cursor, size_t size)
{
	const __u8 *bytes = cursor_bytes(cursor, size);

	return (struct cursor){.bytes = bytes, .size = bytes ? size : 0, .failed = !bytes};
}

#endif
