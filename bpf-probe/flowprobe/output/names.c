// SPDX-License-Identifier: Apache-2.0
#include "output/names.h"
#include "exit.h"
#include "output/frames.h"

#include <stdlib.h>
#include <string.h>

/* Names at which a table is cleared. */
#define MAX_TABLE_NAMES 32768

static struct table {
	char **strings; /* of number 1, 2, ... */
	__u32 count;
	__u32 sent;   /* how many of them have been sent */
	__u32 *slots; /* numbers by hash, open addressing; at most half full */
	__u32 mask;
} tables[NAME_TABLES];

/* FNV-1a */
static __u32 hash(const char *text)
{
	__u32 value = 2166136261u;

	for (; *text; text++)
		value = (value ^ (__u8)*text) * 16777619u;
	return value;
}

static __u32 *find_slot(const struct table *table, const char *text)
{
	__u32 slot = hash(text) & table->mask;

	while (table->slots[slot] && strcmp(table->strings[table->slots[slot] - 1], text) != 0)
		slot = (slot + 1) & table->mask;
	return &table->slots[slot];
}

static void grow(struct table *table)
{
	__u32 size = table->mask ? (table->mask + 1) * 2 : 1024;

	free(table->slots);
	table->slots = calloc(size, sizeof(*table->slots));
	table->strings = realloc(table->strings, size / 2 * sizeof(*table->strings));
	if (!table->slots || !table->strings)
		fail(EXIT_OTHER, "out of memory");
	table->mask = size - 1;
	for (__u32 i = 0; i < table->count; i++)
		*find_slot(table, table->strings[i]) = i + 1;
}

__u32 intern_name(enum name_table which, const char *text)
{
	struct table *table = &tables[which];
	__u32 *slot;

	if (!*text)
		return 0;
	if (table->count * 2 >= table->mask)
		grow(table);
	slot = find_slot(table, text);
	if (!*slot) {
		table->strings[table->count] = strdup(text);
		if (!table->strings[table->count])
			fail(EXIT_OTHER, "out of memory");
		*slot = ++table->count;
	}
	return *slot;
}

void send_names(void)
{
	for (int which = 0; which < NAME_TABLES; which++) {
		struct table *table = &tables[which];

		if (table->sent == table->count)
			continue;
		begin_frame(FRAME_NAMES);
		put_u8(which);
		put_u32(table->count - table->sent);
		for (; table->sent < table->count; table->sent++) {
			put_u32(table->sent + 1);
			put_string(table->strings[table->sent]);
		}
		send_frame();
	}
}

bool reset_large_table(enum name_table which)
{
	struct table *table = &tables[which];

	if (table->count < MAX_TABLE_NAMES)
		return false;
	for (__u32 i = 0; i < table->count; i++)
		free(table->strings[i]);
	memset(table->slots, 0, (table->mask + 1) * sizeof(*table->slots));
	table->count = 0;
	table->sent = 0;
	return true;
}
