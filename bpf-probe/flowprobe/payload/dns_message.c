// SPDX-License-Identifier: Apache-2.0
#include "payload/dns_message.h"
#include "payload/cursor.h"

#include <ctype.h>
#include <string.h>

#define FLAG_RESPONSE	   0x8000
#define MASK_RESPONSE_CODE 0x000f
#define TYPE_A		   1
#define TYPE_AAAA	   28
#define CLASS_IN	   1

/* Appends a label in presentation format (RFC 1035 section 5.1), in lower case, because names are case-insensitive. */
static char *write_label(char *to, const __u8 *label, __u32 length)
{
	for (__u32 i = 0; i < length; i++) {
		if (isgraph(label[i]) && label[i] != '.' && label[i] != '\\') {
			*to++ = tolower(label[i]);
			continue;
		}
		*to++ = '\\';
		*to++ = '0' + label[i] / 100;
		*to++ = '0' + label[i] / 10 % 10;
		*to++ = '0' + label[i] % 10;
	}
	return to;
}

/* Reads the question's name, which is the first of the message and so cannot be compressed. */
static bool read_name(struct cursor *c, char name[MAX_DNS_NAME + 1])
{
	char *to = name;
	__u32 length, total = 0;

	while ((length = cursor_number(c, 1)) != 0) {
		const __u8 *label = cursor_bytes(c, length);

		total += length + 1;
		if (!label || length > 63 || total > 254)
			return false;
		if (to != name)
			*to++ = '.';
		to = write_label(to, label, length);
	}
	if (to == name)
		*to++ = '.';
	*to = 0;
	return !c->failed;
}

/* Skips a name, which may end in a compression pointer (RFC 1035 section 4.1.4). */
static void skip_name(struct cursor *c)
{
	for (;;) {
		__u32 length = cursor_number(c, 1);

		if (length >= 0xc0) {
			cursor_number(c, 1);
			return;
		}
		if (length == 0)
			return;
		cursor_bytes(c, length);
	}
}

static void read_answer(struct cursor *c, struct dns_message *message)
{
	struct dns_address *address = &message->addresses[message->address_count];
	__u32 type, class, seconds, length;
	const __u8 *data;

	skip_name(c);
	type = cursor_number(c, 2);
	class = cursor_number(c, 2);
	seconds = cursor_number(c, 4);
	length = cursor_number(c, 2);
	data = cursor_bytes(c, length);
	if (!data || class != CLASS_IN || message->address_count == MAX_DNS_ADDRESSES)
		return;
	if (type == TYPE_A && length == 4) {
		memset(address->bytes, 0, 10);
		memset(address->bytes + 10, 0xff, 2);
		memcpy(address->bytes + 12, data, 4);
	} else if (type == TYPE_AAAA && length == 16) {
		memcpy(address->bytes, data, 16);
	} else {
		return;
	}
	address->seconds = seconds;
	message->address_count++;
}

bool read_dns_message(const __u8 *bytes, size_t size, struct dns_message *message)
{
	struct cursor c = {.bytes = bytes, .size = size};
	__u32 flags, answers;

	message->id = cursor_number(&c, 2);
	flags = cursor_number(&c, 2);
	message->response = flags & FLAG_RESPONSE;
	message->response_code = flags & MASK_RESPONSE_CODE;
	if (cursor_number(&c, 2) != 1)
		return false;
	answers = cursor_number(&c, 2);
	cursor_number(&c, 4); /* authority and additional records */
	if (!read_name(&c, message->question_name))
		return false;
	message->question_type = cursor_number(&c, 2);
	cursor_number(&c, 2); /* class */
	if (c.failed)
		return false;
	message->address_count = 0;
	for (__u32 i = 0; message->response && i < answers && !c.failed; i++)
		read_answer(&c, message);
	return true;
}
