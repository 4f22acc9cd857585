/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the frames of PROTOCOL.md. */
#ifndef SONDE_FRAMES_H
#define SONDE_FRAMES_H

#include <stddef.h>
#include <linux/types.h>

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_FLOWS = 2,
	FRAME_COUNTERS = 3,
	FRAME_INTERFACES = 4,
	FRAME_NAMES = 5,
	FRAME_DNS = 6,
};

/* A record of a FLOWS frame. */
struct flow_record {
	__u8 client[16];
	__u8 server[16];
	__u8 service[16];
	__u64 start;
	__u64 end;
	__u64 bytes_out;
	__u64 bytes_in;
	__u64 packets_out;
	__u64 packets_in;
	__u32 connections_started;
	__u32 connections_completed;
	__u32 rtt;
	__u32 rtt_min;
	__u32 connect;
	__u32 ifindex;
	__u32 sampling;
	__u16 client_port;
	__u16 server_port;
	__u16 service_port;
	__u16 tcp_flags;
	__u8 protocol;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 connection_state;
	__u8 local_ends;
	__u8 tunnel;
	__u16 vlan;
	__u32 tunnel_id;
	__u32 retransmits;
	__u32 dropped_packets;
	__u64 dropped_bytes;
	__u32 drop_reason;
	__u32 tls_server;
	__u32 client_process;
	__u32 server_process;
	__u64 client_cgroup;
	__u64 server_cgroup;
	__u8 client_tunnel_end[16];
	__u8 server_tunnel_end[16];
	__u64 age;
	__u64 duration;
	__u8 client_nat[16];
	__u16 client_nat_port;
	__u8 orientation;
	__u8 zero[5];
};

_Static_assert(sizeof(struct flow_record) == 264, "a record has the length given in PROTOCOL.md");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are little-endian");

/* A frame is begun, filled and sent to the output (stream.h); one at a time. */
void begin_frame(enum frame_type type);
void put(const void *bytes, size_t size);
void put_u8(__u8 value);
void put_u16(__u16 value);
void put_u32(__u32 value);
void put_u64(__u64 value);
void put_string(const char *text); /* u16 length, then the bytes */
void send_frame(void);

/* Records of a FLOWS frame: few enough to stay in the CPU cache until they are written. */
#define RECORDS_PER_FRAME 2048

/* Room for that many records. */
struct flow_record *flow_records(void);

/* Sends the first `count` of them; no frame if there are none. */
void send_flows(size_t count);

#endif
