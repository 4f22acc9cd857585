/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Which process owns a socket. A process context exists when a socket is made, not when its packets pass, so the
 * making process is noted with the socket, and accepted sockets inherit the note of the listening one. A pod's packet
 * still carries its socket when it enters the host's end of the veth.
 */
#ifndef SONDE_OWNER_H
#define SONDE_OWNER_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u32); /* process id */
} socket_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

/* Attached to the root control group: runs whenever a process makes an IPv4 or IPv6 socket, in any namespace. */
SEC("cgroup/sock_create")
int sonde_socket(struct bpf_sock *socket)
{
	__u32 id = bpf_get_current_pid_tgid() >> 32;
	__u32 *owner = bpf_sk_storage_get(&socket_owners, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	struct process process = {};

	if (owner) {
		*owner = id;
		process.cgroup = bpf_get_current_cgroup_id();
		bpf_get_current_comm(process.name, sizeof(process.name));
		bpf_map_update_elem(&processes, &id, &process, BPF_ANY);
	}
	return 1; /* allow */
}

/* Notes the owner of the sender's socket, once; a packet from another node, or without a socket, has none to tell. */
static __always_inline void note_owner(struct __sk_buff *skb, struct flow *f, const struct packet *p, enum hook hook)
{
	__u32 sender = p->sender & 1;
	struct bpf_sock *socket = NULL;
	__u32 *owner;

	if (hook & HOOK_INGRESS)
		socket = skb->sk;
	if (socket) {
		socket = bpf_sk_fullsock(socket);
		if (!socket)
			return; /* the server's SYN-ACK: its socket is yet to be made */
		owner = bpf_sk_storage_get(&socket_owners, socket, NULL, 0);
		if (owner)
			f->owner[sender] = *owner;
	}
	f->attention &= ~(sender ? ATTEND_OWNER_1 : ATTEND_OWNER_0);
}

#endif
