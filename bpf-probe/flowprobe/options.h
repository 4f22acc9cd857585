/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. */
#ifndef SONDE_OPTIONS_H
#define SONDE_OPTIONS_H

#include <stdbool.h>
#include <linux/types.h>

/* Kind of an interface; values of the INTERFACES frame. */
enum interface_kind {
	INTERFACE_POD = 0,
	INTERFACE_UPLINK = 1,
};

struct interface_pattern {
	const char *pattern; /* a name, or a shell pattern as of fnmatch(3) */
	enum interface_kind kind;
};

#define MAX_PATTERNS 64
#define MAX_SAMPLING 65536

struct options {
	struct interface_pattern patterns[MAX_PATTERNS];
	int pattern_count;
	bool pods; /* every veth whose peer is in another network namespace */
	__u32 window_millis;
	__u32 max_flows;
	__u32 max_connections;
	__u32 ring_bytes;
	const char *output; /* NULL for standard output, else a Unix socket to connect to */
	const char *netns;  /* NULL for the one it was started in */
	bool check;
	bool filters;	 /* clsact filters even if the kernel supports TCX links */
	__u32 sampling;	 /* count one packet in this many */
	__u32 cpu_limit; /* max. percent of one CPU for the programs; 0 for no limit */
};

/* Parses the command line. Exits if it is invalid, and after --help. */
struct options read_options(int argc, char **argv);

#endif
