/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libbpf's header; see bpf_helpers.h. Every kernel feature is there. */
#ifndef SONDE_FUZZ_BPF_CORE_READ_H
#define SONDE_FUZZ_BPF_CORE_READ_H

#define bpf_core_enum_value_exists(type, value) 1
#define bpf_ktime_get_coarse_ns			bpf_ktime_get_ns

#endif
