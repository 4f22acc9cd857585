/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the kernel programs with their settings. */
#ifndef SONDE_LOAD_PROGRAMS_H
#define SONDE_LOAD_PROGRAMS_H

#include "kernel/features.h"
#include "options.h"

struct flowprobe_bpf;

/* Exits with the kernel's error if the programs cannot be loaded. */
struct flowprobe_bpf *load_programs(const struct options *options, const struct kernel_features *kernel);

#endif
