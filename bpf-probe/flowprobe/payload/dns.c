// SPDX-License-Identifier: Apache-2.0
#include "payload/dns.h"
#include "clock.h"
#include "payload/dns_message.h"
#include "exit.h"
#include "output/frames.h"
#include "flows/index.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Resolvers give up after 5 seconds by default (resolv.conf(5)). */
#define QUERY_TIMEOUT_NANOS (5 * 1000000000ull)

#define MAX_PENDING    16384
#define MAX_DONE_BYTES (8 << 20)

/* Flags of a transaction in the DNS frame */
#define DNS_ANSWERED   1
#define DNS_QUERY_SEEN 2

struct dns_counters dns_counters;

/* A query without a response so far. The key holds the client, the protocol and the message id, but not the server,
 * whose address may change by NAT. */
struct query {
	struct key6 key;
	__u8 server[16];
	__u64 at;
	__u16 type;
	char *name;
};

static struct query pending[MAX_PENDING];
static __u32 pending_count;
static struct index pending_index;

/* Finished transactions, in the layout of the frame. */
static __u8 *done;
static size_t done_size, done_capacity;
static __u32 done_count;

static void append(const void *bytes, size_t size)
{
	if (done_size + size > done_capacity) {
		done_capacity = (done_size + size) * 2;
		done = realloc(done, done_capacity);
		if (!done)
			fail(EXIT_OTHER, "out of memory");
	}
	memcpy(done + done_size, bytes, size);
	done_size += size;
}

/* Fixed-length part of a transaction in the DNS frame. */
struct dns_head {
	__u8 client[16];
	__u8 server[16];
	__u64 start;   /* microseconds since 1970: of the query if it was seen, else of the response */
	__u32 latency; /* microseconds */
	__u16 client_port;
	__u16 id;
	__u16 type;
	__u8 response_code;
	__u8 flags;
	__u8 protocol;
	__u8 zero;
	__u16 address_count;
};

_Static_assert(sizeof(struct dns_head) == 56, "a transaction has the length given in PROTOCOL.md");

static void finish(const struct query *query, const struct dns_message *response, __u64 answered_at, __u8 flags)
{
	__u16 length = strlen(query->name);
	struct dns_head head = {
		.start = (query->at + realtime_offset()) / 1000,
		.client_port = ntohs(query->key.port[0]),
		.id = query->key.port[1],
		.type = query->type,
		.flags = flags,
		.protocol = query->key.protocol,
	};

	if (done_size > MAX_DONE_BYTES) {
		dns_counters.lost_transactions++;
		return;
	}
	memcpy(head.client, query->key.addr[0], 16);
	memcpy(head.server, query->server, 16);
	if (response) {
		head.response_code = response->response_code;
		head.address_count = response->address_count;
		if (flags & DNS_QUERY_SEEN)
			head.latency = (answered_at - query->at) / 1000;
	}
	append(&head, sizeof(head));
	append(&length, sizeof(length));
	append(query->name, length);
	if (response)
		append(response->addresses, response->address_count * sizeof(response->addresses[0]));
	done_count++;
	dns_counters.transactions++;
	if (!response)
		dns_counters.unanswered++;
}

static void remove_query(__u32 position)
{
	__u32 last = --pending_count;

	index_remove(&pending_index, position);
	free(pending[position].name);
	if (position == last)
		return;
	index_remove(&pending_index, last);
	pending[position] = pending[last];
	index_add(&pending_index, position);
}

static struct query make_query(const struct key6 *key, int client, const struct dns_message *message, __u64 at)
{
	struct query query = {.at = at, .type = message->question_type};

	memcpy(query.key.addr[0], key->addr[client], 16);
	query.key.port[0] = key->port[client];
	query.key.port[1] = message->id;
	query.key.protocol = key->protocol;
	memcpy(query.server, key->addr[!client], 16);
	return query;
}

static void handle_query(struct query *query, const struct dns_message *message)
{
	if (index_find(&pending_index, &query->key) != INDEX_NONE)
		return; /* retransmitted: latency counts from the first */
	if (pending_count == MAX_PENDING) {
		dns_counters.lost_transactions++;
		return;
	}
	query->name = strdup(message->question_name);
	if (!query->name)
		fail(EXIT_OTHER, "out of memory");
	pending[pending_count] = *query;
	index_add(&pending_index, pending_count++);
}

static void handle_response(struct query *query, struct dns_message *message, __u64 at)
{
	__u32 position = index_find(&pending_index, &query->key);

	if (position == INDEX_NONE) {
		query->name = message->question_name;
		finish(query, message, at, DNS_ANSWERED);
		return;
	}
	finish(&pending[position], message, at, DNS_ANSWERED | DNS_QUERY_SEEN);
	remove_query(position);
}

void handle_dns_message(const struct key6 *key, __u8 sender, const __u8 *bytes, size_t size, __u64 at)
{
	static struct dns_message message;
	int client;
	struct query query;

	if (!pending_index.slots)
		pending_index = create_index(MAX_PENDING, &pending->key, sizeof(pending[0]));
	if (!read_dns_message(bytes, size, &message)) {
		dns_counters.malformed++;
		return;
	}
	client = message.response ? !sender : sender;
	query = make_query(key, client, &message, at);
	if (message.response)
		handle_response(&query, &message, at);
	else
		handle_query(&query, &message);
}

void send_dns(__u64 now)
{
	for (__u32 i = pending_count; i-- > 0;) {
		if (now < pending[i].at + QUERY_TIMEOUT_NANOS)
			continue;
		finish(&pending[i], NULL, 0, DNS_QUERY_SEEN);
		remove_query(i);
	}
	if (!done_count)
		return;
	begin_frame(FRAME_DNS);
	put_u32(done_count);
	put(done, done_size);
	send_frame();
	done_size = 0;
	done_count = 0;
}
