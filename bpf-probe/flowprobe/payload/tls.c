// SPDX-License-Identifier: Apache-2.0
#include "payload/tls.h"
#include "payload/cursor.h"

#include <ctype.h>
#include <string.h>

/* RFC 8446 sections 4, 4.1.2 and 5.1; RFC 6066 section 3 */
#define RECORD_HEADER	       5
#define CONTENT_HANDSHAKE      22
#define HANDSHAKE_CLIENT_HELLO 1
#define EXTENSION_SERVER_NAME  0
#define NAME_TYPE_HOST	       0

static enum hello_result copy_name(struct cursor *extension, char name[MAX_SERVER_NAME + 1])
{
	struct cursor list = cursor_part(extension, cursor_number(extension, 2));
	size_t length;
	const __u8 *text;

	if (cursor_number(&list, 1) != NAME_TYPE_HOST)
		return HELLO_UNNAMED;
	length = cursor_number(&list, 2);
	text = cursor_bytes(&list, length);
	if (!text || length == 0 || length > MAX_SERVER_NAME)
		return HELLO_UNNAMED;
	for (size_t i = 0; i < length; i++)
		name[i] = isalnum(text[i]) || (text[i] && strchr("-._:", text[i])) ? tolower(text[i]) : '?';
	name[length] = 0;
	return HELLO_NAMED;
}

enum hello_result read_server_name(const __u8 *bytes, size_t size, char name[MAX_SERVER_NAME + 1])
{
	struct cursor c = {.bytes = bytes, .size = size};
	struct cursor record, extensions;
	enum hello_result otherwise;
	__u32 record_length;

	if (cursor_number(&c, 1) != CONTENT_HANDSHAKE)
		return HELLO_UNNAMED;
	cursor_number(&c, 2); /* version */
	record_length = cursor_number(&c, 2);
	if (c.failed)
		return HELLO_TOO_SHORT;
	otherwise = record_length > size - RECORD_HEADER ? HELLO_TOO_SHORT : HELLO_UNNAMED;
	record = cursor_part(&c, otherwise == HELLO_TOO_SHORT ? size - RECORD_HEADER : record_length);

	if (cursor_number(&record, 1) != HANDSHAKE_CLIENT_HELLO)
		return HELLO_UNNAMED;
	cursor_bytes(&record, 3 + 2 + 32);		  /* length, version, random */
	cursor_bytes(&record, cursor_number(&record, 1)); /* session id */
	cursor_bytes(&record, cursor_number(&record, 2)); /* cipher suites */
	cursor_bytes(&record, cursor_number(&record, 1)); /* compression methods */
	cursor_number(&record, 2);			  /* length of the extensions, which end with the record */
	extensions = record;
	while (!extensions.failed && extensions.at < extensions.size) {
		__u32 type = cursor_number(&extensions, 2);
		struct cursor extension = cursor_part(&extensions, cursor_number(&extensions, 2));

		if (type == EXTENSION_SERVER_NAME && !extension.failed)
			return copy_name(&extension, name);
	}
	return otherwise;
}
