/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libbpf's header, so that the kernel programs' packet parser compiles as a normal program: packets are
 * in memory, and maps are what fuzz/packet.c makes of them.
 */
#ifndef SONDE_FUZZ_BPF_HELPERS_H
#define SONDE_FUZZ_BPF_HELPERS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/types.h>

#undef __always_inline
#define __always_inline	    inline __attribute__((always_inline))
#define __noinline	    __attribute__((noinline))
#define SEC(name)	    __attribute__((unused))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) value *name
#define __weak		    __attribute__((weak))
#define __ksym		    __attribute__((unused))

struct __sk_buff;

long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset, void *to, __u32 size);
void *bpf_map_lookup_elem(const void *map, const void *key);
long bpf_map_update_elem(const void *map, const void *key, const void *value, __u64 flags);
__u64 bpf_ktime_get_ns(void);

#endif
