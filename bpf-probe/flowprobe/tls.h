/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the server name of a TLS ClientHello. */
#ifndef SONDE_TLS_H
#define SONDE_TLS_H

#include <stddef.h>
#include <linux/types.h>

#define MAX_SERVER_NAME 255

enum hello_result {
	HELLO_NAMED,	/* `name` holds the server's name */
	HELLO_UNNAMED,	/* a whole ClientHello without a name, or no ClientHello */
	HELLO_TOO_SHORT /* more bytes may complete it */
};

/* `bytes` begins with a TLS record. Writes the name, ended by 0, with anything but letters, digits, '-', '.', '_' and
 * ':' as '?'. */
enum hello_result read_server_name(const __u8 *bytes, size_t size, char name[MAX_SERVER_NAME + 1]);

#endif
