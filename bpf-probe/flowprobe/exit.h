/* SPDX-License-Identifier: Apache-2.0 */
/* How flowprobe ends, documented in PROTOCOL.md, and how it says why. */
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

/* Writes one line to standard error, "flowprobe: " before it. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says why and ends the process. The kernel detaches everything that flowprobe attached by links. */
void fail(enum exit_code code, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

#endif
