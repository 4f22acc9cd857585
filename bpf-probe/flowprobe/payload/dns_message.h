/* SPDX-License-Identifier: Apache-2.0 */
/* Parses DNS messages (RFC 1035 section 4). */
#ifndef SONDE_DNS_MESSAGE_H
#define SONDE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define MAX_DNS_NAME	  1020 /* 255 bytes, each written as \DDD at worst */
#define MAX_DNS_ADDRESSES 64

struct dns_address {
	__u8 bytes[16]; /* IPv4 mapped into IPv6 */
	__u32 seconds;	/* TTL */
};

struct dns_message {
	__u16 id;
	bool response;
	__u8 response_code; /* of the header; 0 no error, 3 no such name */
	__u16 question_type;
	char question_name[MAX_DNS_NAME + 1]; /* without the final dot; "." for the root */
	__u16 address_count;
	struct dns_address addresses[MAX_DNS_ADDRESSES]; /* of every A and AAAA record among the answers */
};

/* Returns false if the bytes are not a DNS message with one question. Answers after a malformed part are skipped. */
bool read_dns_message(const __u8 *bytes, size_t size, struct dns_message *message);

#endif
