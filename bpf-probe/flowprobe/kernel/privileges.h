/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities of this process. */
#ifndef SONDE_PRIVILEGES_H
#define SONDE_PRIVILEGES_H

/* Exits if a capability needed to load and attach programs is missing. */
void require_privileges(void);

/*
 * Drops all capabilities that are no longer needed, permanently. Reading maps needs none; attaching to new interfaces
 * needs CAP_NET_ADMIN. Kernels before 5.19 require CAP_BPF for every bpf() call.
 */
void drop_privileges(const char *kernel_release);

#endif
