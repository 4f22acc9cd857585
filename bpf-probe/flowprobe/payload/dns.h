/* SPDX-License-Identifier: Apache-2.0 */
/* Matches DNS queries with their responses and sends the transactions in DNS frames. */
#ifndef SONDE_DNS_H
#define SONDE_DNS_H

#include <stddef.h>
#include "flow.h"

/* Handles a DNS message seen at `at` (monotonic clock, ns). `key` is that of the flow. */
void handle_dns_message(const struct key6 *key, __u8 sender, const __u8 *bytes, size_t size, __u64 at);

/* Sends the transactions that were answered or timed out by `now`. */
void send_dns(__u64 now);

struct dns_counters {
	__u64 transactions;
	__u64 unanswered;
	__u64 malformed;	 /* messages on port 53 that are not DNS */
	__u64 lost_transactions; /* dropped because a table was full */
};

extern struct dns_counters dns_counters;

#endif
