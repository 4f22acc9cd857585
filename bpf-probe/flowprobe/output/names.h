/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that records refer to by number, and the NAMES frames that define them. */
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

/* Returns the number of a string; 0 for the empty one. send_names() sends new ones. */
__u32 intern_name(enum name_table table, const char *text);

/* Sends the names added since the last call; call it before the frames that use them. */
void send_names(void);

/* Clears a table if it has grown large, and returns true if so. Call between windows: numbers kept by the caller become
 * invalid. */
bool reset_large_table(enum name_table table);

#endif
