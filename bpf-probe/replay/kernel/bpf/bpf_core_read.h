/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libbpf's header; see bpf_helpers.h. Every kernel feature is there, but no kernel memory. */
#ifndef SONDE_USER_BPF_CORE_READ_H
#define SONDE_USER_BPF_CORE_READ_H

#include <linux/types.h>

#define preserve_access_index			unused
#define bpf_core_enum_value_exists(type, value) 1
#define bpf_core_field_offset(type, field)	0
#define bpf_ktime_get_coarse_ns			bpf_ktime_get_ns

static inline long bpf_core_read(void *to, __u32 size, const void *from)
{
	return -1;
}

static inline long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
	return -1;
}

#endif
