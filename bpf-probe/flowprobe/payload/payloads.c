// SPDX-License-Identifier: Apache-2.0
#include "payload/payloads.h"
#include "payload/dns.h"
#include "flows/ipv4_mapped.h"
#include "output/names.h"
#include "payload/tcp_streams.h"
#include "payload/tls.h"

/* Over TCP each DNS message has its length before it (RFC 1035 section 4.2.2). */
static void handle_dns_segment(const struct payload_message *message, const struct key6 *key)
{
	struct tcp_stream *stream = add_segment(key, message->sender, message->tcp_sequence, message->bytes,
						message->length, message->full_length, 0);

	while (stream && stream->size >= 2) {
		size_t length = stream->bytes[0] << 8 | stream->bytes[1];

		if (stream->size < 2 + length)
			return;
		handle_dns_message(key, message->sender, stream->bytes + 2, length, message->at);
		consume_stream(stream, 2 + length);
	}
}

static void handle_client_hello(const struct payload_message *message, const struct key6 *key,
				struct connections *connections, __u32 window)
{
	struct tcp_stream *stream =
		add_segment(key, message->sender, message->tcp_sequence, message->bytes, message->length,
			    message->full_length, message->kind == PAYLOAD_CLIENT_HELLO);
	const __u8 *bytes = stream ? stream->bytes : message->bytes;
	size_t size = stream ? stream->size : message->length;
	char name[MAX_SERVER_NAME + 1];
	struct connection *connection;

	switch (read_server_name(bytes, size, name)) {
	case HELLO_NAMED:
		connection = track_connection(connections, key);
		connection->client = message->sender;
		connection->tls_server = intern_name(NAMES_TLS_SERVERS, name);
		connection->tls_window = window;
		break;
	case HELLO_UNNAMED:
		break;
	case HELLO_TOO_SHORT:
		return;
	}
	if (stream)
		remove_stream(stream);
}

void handle_payload(const struct payload_message *message, struct connections *connections, __u32 window)
{
	struct key6 key;

	if (message->family == 4)
		map_key(&key, &message->key4);
	else
		key = message->key6;
	switch (message->kind) {
	case PAYLOAD_DNS_DATAGRAM:
		handle_dns_message(&key, message->sender, message->bytes, message->length, message->at);
		break;
	case PAYLOAD_DNS_STREAM:
		handle_dns_segment(message, &key);
		break;
	default:
		handle_client_hello(message, &key, connections, window);
	}
}
