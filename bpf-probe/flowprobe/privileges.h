/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities of this process: what is needed to begin, and what is left when all is attached. */
#ifndef SONDE_PRIVILEGES_H
#define SONDE_PRIVILEGES_H

/* Ends the process if a capability that loading and attaching needs is missing. */
void require_privileges(void);

/*
 * Gives up for good every capability that is not needed any more. Reading maps needs none; attaching to interfaces that
 * come later, or come back, needs CAP_NET_ADMIN, and on kernels before 5.19, where every call of bpf() asks for it,
 * CAP_BPF stays.
 */
void drop_privileges(const char *kernel_release);

#endif
