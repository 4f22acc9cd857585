/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the server name (SNI) of a TLS ClientHello. */
#ifndef SONDE_TLS_H
#define SONDE_TLS_H

#include <stddef.h>
#include <linux/types.h>

#define MAX_SERVER_NAME 255

enum hello_result {
	HELLO_NAMED,	/* `name` holds the server's name */
	HELLO_UNNAMED,	/* a complete ClientHello without a name, or no ClientHello */
	HELLO_TOO_SHORT /* incomplete: more bytes may follow */
};

/* `bytes` begins with a TLS record. Writes the name, zero-terminated; bytes other than letters, digits, '-', '.', '_'
 * and
 * ':' are replaced by '?'. */
enum hello_result read_server_name(const __u8 *bytes, size_t size, char name[MAX_SERVER_NAME + 1]);

#endif
