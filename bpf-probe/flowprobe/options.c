// SPDX-License-Identifier: Apache-2.0
#include "options.h"
#include "exit.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Usage: flowprobe (--interface PATTERN | --uplink PATTERN | --pods)... [OPTION]...\n"
	"Aggregates the packets of network interfaces to flows and writes them to standard output (see PROTOCOL.md).\n"
	"\n"
	"  --interface PATTERN  watch host ends of pod interfaces: name or shell pattern; repeatable\n"
	"  --uplink PATTERN     watch external interfaces of the node: name or shell pattern; repeatable\n"
	"  --pods               watch every veth whose peer is in another network namespace\n"
	"  --window-ms N        length of a window in milliseconds (default 5000)\n"
	"  --max-flows N        max. flows in a window, 544 bytes of memory each (default 65536)\n"
	"  --max-connections N  max. connections tracked across windows (default 262144)\n"
	"  --ring-bytes N       size of each ring buffer in bytes; a power of two (default 4194304)\n"
	"  --output PATH        write to this Unix socket instead of standard output\n"
	"  --sampling N         count one packet in N (default 1)\n"
	"  --cpu-limit PERCENT  raise the sampling while the programs use more than this share of one CPU\n"
	"  --filters            attach clsact filters even if the kernel supports TCX links\n"
	"  --netns PATH         run in this network namespace\n"
	"  --check              print what this kernel supports and exit\n"
	"  --help               print this help and exit\n";

static __u32 read_number(const char *option, const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value < min || value > max)
		fail(EXIT_USAGE, "--%s: invalid value \"%s\": must be a number from %lu to %lu", option, text, min,
		     max);
	return value;
}

static void add_pattern(struct options *options, const char *pattern, enum interface_kind kind)
{
	if (options->pattern_count == MAX_PATTERNS)
		fail(EXIT_USAGE, "too many interface patterns: at most %d are allowed", MAX_PATTERNS);
	options->patterns[options->pattern_count++] = (struct interface_pattern){pattern, kind};
}

struct options read_options(int argc, char **argv)
{
	enum {
		INTERFACE,
		UPLINK,
		PODS,
		WINDOW,
		MAX_FLOWS,
		MAX_CONNECTIONS,
		RING,
		OUTPUT,
		FILTERS,
		SAMPLING,
		CPU_LIMIT,
		CPU_BUDGET,
		NETNS,
		CHECK,
		HELP
	};
	static const struct option known[] = {
		{"interface", required_argument, NULL, INTERFACE},
		{"uplink", required_argument, NULL, UPLINK},
		{"pods", no_argument, NULL, PODS},
		{"window-ms", required_argument, NULL, WINDOW},
		{"max-flows", required_argument, NULL, MAX_FLOWS},
		{"max-connections", required_argument, NULL, MAX_CONNECTIONS},
		{"ring-bytes", required_argument, NULL, RING},
		{"output", required_argument, NULL, OUTPUT},
		{"sampling", required_argument, NULL, SAMPLING},
		{"cpu-limit", required_argument, NULL, CPU_LIMIT},
		{"cpu-budget", optional_argument, NULL, CPU_BUDGET},
		{"filters", no_argument, NULL, FILTERS},
		{"netns", required_argument, NULL, NETNS},
		{"check", no_argument, NULL, CHECK},
		{"help", no_argument, NULL, HELP},
		{},
	};
	struct options options = {.window_millis = 5000,
				  .max_flows = 65536,
				  .max_connections = 262144,
				  .ring_bytes = 4 << 20,
				  .sampling = 1};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case INTERFACE:
			add_pattern(&options, optarg, INTERFACE_POD);
			break;
		case UPLINK:
			add_pattern(&options, optarg, INTERFACE_UPLINK);
			break;
		case PODS:
			options.pods = true;
			break;
		case WINDOW:
			options.window_millis = read_number("window-ms", optarg, 10, 3600000);
			break;
		case MAX_FLOWS:
			options.max_flows = read_number("max-flows", optarg, 1, (1 << 24) - 1);
			break;
		case MAX_CONNECTIONS:
			options.max_connections = read_number("max-connections", optarg, 1, (1 << 24) - 1);
			break;
		case RING:
			options.ring_bytes = read_number("ring-bytes", optarg, 4096, 1 << 30);
			if (options.ring_bytes & (options.ring_bytes - 1))
				fail(EXIT_USAGE, "--ring-bytes: invalid value \"%s\": must be a power of two", optarg);
			break;
		case OUTPUT:
			options.output = optarg;
			break;
		case SAMPLING:
			options.sampling = read_number("sampling", optarg, 1, MAX_SAMPLING);
			break;
		case CPU_LIMIT:
			options.cpu_limit = read_number("cpu-limit", optarg, 1, 10000);
			break;
		case CPU_BUDGET:
			fail(EXIT_USAGE, "--cpu-budget was renamed; use --cpu-limit");
		case FILTERS:
			options.filters = true;
			break;
		case NETNS:
			options.netns = optarg;
			break;
		case CHECK:
			options.check = true;
			break;
		case HELP:
			fputs(usage, stdout);
			exit(EXIT_OK);
		default:
			fprintf(stderr, "See flowprobe --help.\n");
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc)
		fail(EXIT_USAGE, "unexpected argument \"%s\"; see --help", argv[optind]);
	if (!options.check && !options.pods && options.pattern_count == 0)
		fail(EXIT_USAGE, "no interfaces selected; use --interface, --uplink or --pods");
	return options;
}
