/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the program that runs the replay. */
#ifndef SONDE_HOST_H
#define SONDE_HOST_H

#include <stddef.h>

#define HOST_FUNCTION(name) __attribute__((import_module("host"), import_name(name)))

/* Takes bytes of the probe's stream; they are valid until it returns. */
HOST_FUNCTION("write") void host_write(const void *bytes, size_t size);

/* Takes a message for the log. */
HOST_FUNCTION("log") void host_log(const char *message, size_t length);

#endif
