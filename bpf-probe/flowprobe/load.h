/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the kernel programs with their settings. */
#ifndef SONDE_LOAD_H
#define SONDE_LOAD_H

#include "kernel.h"
#include "options.h"

struct flowprobe_bpf;

/* Ends the process, with the kernel's reason, if the programs cannot be loaded. */
struct flowprobe_bpf *load_programs(const struct options *options, const struct kernel *kernel);

#endif
