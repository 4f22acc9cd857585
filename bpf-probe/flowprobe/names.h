/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that records refer to by number: the NAMES frames. */
#ifndef SONDE_NAMES_H
#define SONDE_NAMES_H

#include <stdbool.h>
#include <linux/types.h>

enum name_table {
	NAMES_DROP_REASONS = 0, /* numbered by the kernel */
	NAMES_PROCESSES = 1,
	NAMES_TLS_SERVERS = 2,
	NAME_TABLES,
};

/* The number of a text; 0 for the empty one. Its NAMES frame is sent by send_names(). */
__u32 name_number(enum name_table table, const char *text);

/* Sends the names that have been numbered since the last time; to be called before the frames that use them. */
void send_names(void);

/* Forgets a table's names when it has grown large, and tells so. To be called between windows; numbers are then given
 * anew, so those that the caller keeps are void. */
bool trim_names(enum name_table table);

/* Sends the names that the running kernel gives to the reasons of dropping packets. */
void send_drop_reasons(void);

#endif
