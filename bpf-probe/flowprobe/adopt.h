/* SPDX-License-Identifier: Apache-2.0 */
/* Notes the owners of sockets that are older than the probe. */
#ifndef SONDE_ADOPT_H
#define SONDE_ADOPT_H

struct flowprobe_bpf;

/*
 * Goes through the processes that this one can see, and gives each of their IPv4 and IPv6 sockets the note that a new
 * one gets from the kernel program. Needs CAP_SYS_PTRACE and Linux 5.6; passes over what it may not look into.
 */
void adopt_sockets(const struct flowprobe_bpf *bpf);

#endif
