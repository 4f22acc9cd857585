/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes (PROTOCOL.md) and messages on standard error. */
#ifndef SONDE_EXIT_H
#define SONDE_EXIT_H

enum exit_code {
	EXIT_OK = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_PRIVILEGE = 3,
	EXIT_KERNEL = 4,
	EXIT_INTERFACE = 5,
};

/* Writes a line to standard error, prefixed with "flowprobe: ". */
void log_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes the reason and exits. The kernel detaches everything that was attached by links. */
void fail(enum exit_code code, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

#endif
