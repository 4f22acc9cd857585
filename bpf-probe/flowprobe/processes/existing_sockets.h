/* SPDX-License-Identifier: Apache-2.0 */
/* Records the processes of sockets that existed before flowprobe. */
#ifndef SONDE_EXISTING_SOCKETS_H
#define SONDE_EXISTING_SOCKETS_H

struct flowprobe_bpf;

/*
 * Stores the process id with each IPv4 and IPv6 socket of every visible process, as the program sonde_socket does for
 * new sockets. Needs CAP_SYS_PTRACE and Linux 5.6; skips processes that it may not inspect.
 */
void record_existing_sockets(const struct flowprobe_bpf *bpf);

#endif
