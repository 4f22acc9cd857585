/* SPDX-License-Identifier: Apache-2.0 */
/* Adds to wasi-libc's header what it leaves out. */
#include_next <netinet/in.h>

#ifndef IPPROTO_ICMPV6
#define IPPROTO_ICMPV6 58
#endif
