// SPDX-License-Identifier: Apache-2.0
#include "flows/connections.h"
#include "exit.h"
#include "flows/index.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define NONE 0xffffffffu

/* RFC 9293 section 3.4.2: twice the maximum segment lifetime, as Linux has it (TCP_TIMEWAIT_LEN). */
#define KEPT_AFTER_END_NANOS (60 * 1000000000ull)

struct connections {
	struct connection *all;
	__u32 capacity;
	__u32 used; /* positions that were ever used */
	__u32 tracked;
	struct {
		__u32 newest, oldest;
	} lists[2]; /* open and ended ones */
	__u32 free; /* first free position, linked by `older` */
	__u64 evicted;
	struct index index;
};

struct connections *create_connections(__u32 capacity)
{
	struct connections *c = malloc(sizeof(*c));
	void *all = reserve_memory((size_t)capacity * sizeof(struct connection));

	if (!c)
		fail(EXIT_OTHER, "out of memory");
	*c = (struct connections){
		.all = all, .capacity = capacity, .lists = {{NONE, NONE}, {NONE, NONE}}, .free = NONE};
	c->index = create_index(capacity, &((struct connection *)all)->key, sizeof(struct connection));
	return c;
}

static void unlink_connection(struct connections *c, const struct connection *connection)
{
	if (connection->newer == NONE)
		c->lists[connection->is_over].newest = connection->older;
	else
		c->all[connection->newer].older = connection->older;
	if (connection->older == NONE)
		c->lists[connection->is_over].oldest = connection->newer;
	else
		c->all[connection->older].newer = connection->newer;
}

static void link_newest(struct connections *c, struct connection *connection)
{
	__u32 position = connection - c->all;

	connection->newer = NONE;
	connection->older = c->lists[connection->is_over].newest;
	if (connection->older == NONE)
		c->lists[connection->is_over].oldest = position;
	else
		c->all[connection->older].newer = position;
	c->lists[connection->is_over].newest = position;
}

struct connection *find_connection(struct connections *c, const struct key6 *key)
{
	__u32 position = index_find(&c->index, key);

	return position == INDEX_NONE ? NULL : &c->all[position];
}

void prefetch_connection(const struct connections *c, const struct key6 *key)
{
	index_prefetch(&c->index, key);
}

void remove_connection(struct connections *c, struct connection *connection)
{
	__u32 position = connection - c->all;

	index_remove(&c->index, position);
	unlink_connection(c, connection);
	connection->older = c->free;
	c->free = position;
	c->tracked--;
}

static struct connection *alloc_position(struct connections *c)
{
	__u32 position = c->free;

	if (position != NONE) {
		c->free = c->all[position].older;
		return &c->all[position];
	}
	return &c->all[c->used++];
}

static void evict(struct connections *c)
{
	bool has_ended = c->lists[true].oldest != NONE;

	remove_connection(c, &c->all[c->lists[has_ended].oldest]);
	c->evicted += !has_ended;
}

struct connection *track_connection(struct connections *c, const struct key6 *key)
{
	struct connection *connection = find_connection(c, key);

	if (connection) {
		unlink_connection(c, connection);
		link_newest(c, connection);
		return connection;
	}
	if (c->tracked == c->capacity)
		evict(c);
	connection = alloc_position(c);
	memset(connection, 0, sizeof(*connection));
	connection->key = *key;
	index_add(&c->index, connection - c->all);
	link_newest(c, connection);
	c->tracked++;
	return connection;
}

void set_over(struct connections *c, struct connection *connection, bool is_over)
{
	if (connection->is_over == is_over)
		return;
	unlink_connection(c, connection);
	connection->is_over = is_over;
	link_newest(c, connection);
}

void expire_connections(struct connections *c, __u64 now)
{
	for (;;) {
		__u32 oldest = c->lists[true].oldest;

		if (oldest == NONE || c->all[oldest].last + KEPT_AFTER_END_NANOS > now)
			return;
		remove_connection(c, &c->all[oldest]);
	}
}

void clear_tls_servers(struct connections *c)
{
	for (int is_over = 0; is_over < 2; is_over++) {
		for (__u32 position = c->lists[is_over].newest; position != NONE; position = c->all[position].older)
			c->all[position].tls_server = 0;
	}
}

__u32 connections_tracked(const struct connections *c)
{
	return c->tracked;
}

__u64 connections_evicted(const struct connections *c)
{
	return c->evicted;
}
