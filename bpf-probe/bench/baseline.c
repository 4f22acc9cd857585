// SPDX-License-Identifier: Apache-2.0
/*
 * baseline INTERFACE: attaches the baseline programs to an interface by TCX links, at the head, so before everything
 * that is attached already. Prints "ready" and detaches when its standard input ends.
 */
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "baseline.skel.h"
#include "exit.h"
#include "kernel/tcx.h"

int main(int argc, char **argv)
{
	struct baseline_bpf *bpf;
	int ifindex = argc == 2 ? if_nametoindex(argv[1]) : 0;
	char byte;

	if (!ifindex)
		fail(EXIT_INTERFACE, "baseline: name an interface of this network namespace");
	bpf = baseline_bpf__open_and_load();
	if (!bpf || attach_tcx(bpf_program__fd(bpf->progs.baseline_in), ifindex, true) < 0 ||
	    attach_tcx(bpf_program__fd(bpf->progs.baseline_out), ifindex, false) < 0)
		fail(EXIT_KERNEL, "baseline: cannot attach");
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return EXIT_OK;
}
