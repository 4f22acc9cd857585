// SPDX-License-Identifier: Apache-2.0
#include "exit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void write_message(const char *format, va_list list)
{
	fputs("flowprobe: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
}

void log_message(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_message(format, list);
	va_end(list);
}

void fail(enum exit_code code, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_message(format, list);
	va_end(list);
	exit(code);
}
