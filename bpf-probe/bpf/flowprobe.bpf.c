// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The kernel programs of flowprobe, one for each kind of interface and direction. They count packets and always return
 * "next", so that other programs on the hook run as before.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "drops.h"
#include "handle_packet.h"
#include "retransmits.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int sonde_pod_in(struct __sk_buff *skb)
{
	return handle_packet(skb, HOOK_POD | HOOK_INGRESS, ETH_HLEN);
}

SEC("tc")
int sonde_pod_out(struct __sk_buff *skb)
{
	return handle_packet(skb, HOOK_POD, ETH_HLEN);
}

SEC("tc")
int sonde_uplink_in(struct __sk_buff *skb)
{
	return handle_packet(skb, HOOK_INGRESS, ETH_HLEN);
}

SEC("tc")
int sonde_uplink_out(struct __sk_buff *skb)
{
	return handle_packet(skb, 0, ETH_HLEN);
}

/* Interfaces without a link header, for example tunnels of IP in IP. */
SEC("tc")
int sonde_ip_in(struct __sk_buff *skb)
{
	return handle_packet(skb, HOOK_INGRESS, 0);
}

SEC("tc")
int sonde_ip_out(struct __sk_buff *skb)
{
	return handle_packet(skb, 0, 0);
}
