/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Finds the process of a socket. The process is known when a socket is created, not when its packets pass, so its id is
 * stored with the socket; accepted sockets inherit it from the listening one. A packet from a pod still carries its
 * socket at the host end of the veth.
 */
#ifndef SONDE_PROCESS_H
#define SONDE_PROCESS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "packet.h"

/* Process id by socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u32);
} socket_pids SEC(".maps");

/* Name and control group by process id; the least recently used are evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

/* Attached to the root control group: runs when a process in any namespace creates an IPv4 or IPv6 socket. */
SEC("cgroup/sock_create")
int sonde_socket(struct bpf_sock *socket)
{
	__u32 id = bpf_get_current_pid_tgid() >> 32;
	__u32 *pid = bpf_sk_storage_get(&socket_pids, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	struct process process = {};

	if (pid) {
		*pid = id;
		process.cgroup = bpf_get_current_cgroup_id();
		bpf_get_current_comm(process.name, sizeof(process.name));
		bpf_map_update_elem(&processes, &id, &process, BPF_ANY);
	}
	return 1; /* allow */
}

/* Records the process of the sender's socket, once; packets without a socket, such as those of other nodes, have none.
 */
static __always_inline void record_process(struct __sk_buff *skb, struct flow *f, const struct packet *p,
					   enum hook hook)
{
	__u32 sender = p->sender & 1;
	struct bpf_sock *socket = NULL;
	__u32 *pid;

	if (hook & HOOK_INGRESS)
		socket = skb->sk;
	if (socket) {
		socket = bpf_sk_fullsock(socket);
		if (!socket)
			return; /* a SYN-ACK: the server's socket does not exist yet */
		pid = bpf_sk_storage_get(&socket_pids, socket, NULL, 0);
		if (pid)
			f->pid[sender] = *pid;
	}
	f->pending &= ~(sender ? PENDING_PROCESS_1 : PENDING_PROCESS_0);
}

#endif
