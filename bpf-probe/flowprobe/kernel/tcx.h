/* SPDX-License-Identifier: Apache-2.0 */
/* TCX links (Linux 6.6), for libbpf before 1.3, which does not support them. */
#ifndef SONDE_TCX_H
#define SONDE_TCX_H

#include <stdbool.h>

/* Attaches a program at the head of an interface's programs. Returns the link's descriptor, or -errno. The program is
 * detached when the descriptor is closed. */
int attach_tcx(int program, int ifindex, bool ingress);

/* Attaches a program that does nothing to the loopback interface, briefly. */
bool tcx_is_supported(void);

#endif
