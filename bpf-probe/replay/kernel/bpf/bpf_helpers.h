/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libbpf's header, so that the kernel programs compile as a normal program: packets are in memory, and
 * whoever runs the programs defines the helpers (replay/programs.c, fuzz/packet.c).
 */
#ifndef SONDE_USER_BPF_HELPERS_H
#define SONDE_USER_BPF_HELPERS_H

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

/* The verifier wants load-time settings to be constants; here they are variables. */
#define LOAD_SETTING

struct __sk_buff;
struct bpf_sock;
struct bpf_tcp_sock;
struct bpf_spin_lock;

long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset, void *to, __u32 size);
void *bpf_map_lookup_elem(const void *map, const void *key);
long bpf_map_update_elem(const void *map, const void *key, const void *value, __u64 flags);
__u64 bpf_ktime_get_ns(void);
void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *message, __u64 flags);
long bpf_ringbuf_output(void *ring, void *message, __u64 size, __u64 flags);

/* One thread: no locks, no other CPUs. */
static inline void bpf_spin_lock(struct bpf_spin_lock *lock)
{
}

static inline void bpf_spin_unlock(struct bpf_spin_lock *lock)
{
}

/* Every packet is sampled. */
static inline __u32 bpf_get_prandom_u32(void)
{
	return 0;
}

/* Packets in memory have no sockets and no processes. */
static inline struct bpf_sock *bpf_sk_fullsock(struct bpf_sock *socket)
{
	return NULL;
}

static inline struct bpf_tcp_sock *bpf_tcp_sock(struct bpf_sock *socket)
{
	return NULL;
}

static inline void *bpf_sk_storage_get(void *map, void *socket, void *value, __u64 flags)
{
	return NULL;
}

static inline __u64 bpf_get_current_pid_tgid(void)
{
	return 0;
}

static inline __u64 bpf_get_current_cgroup_id(void)
{
	return 0;
}

static inline long bpf_get_current_comm(void *name, __u32 size)
{
	return -1;
}

#endif
