/* SPDX-License-Identifier: Apache-2.0 */
/* The output that frames are written to. */
#ifndef SONDE_STREAM_H
#define SONDE_STREAM_H

#include <stddef.h>

/* Opens the output: standard output, or the Unix socket at `path` if not NULL. Exits on failure. */
void open_output(const char *path);

/* Descriptor of the output, to detect that the reader closed it. */
int output_fd(void);

/* Writes all bytes. Blocks while the reader is slow and exits when the reader has closed the output. */
void write_output(const void *bytes, size_t size);

#endif
