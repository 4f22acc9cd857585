/* SPDX-License-Identifier: Apache-2.0 */
/* Joins DNS queries with their responses to transactions, and reports these in DNS frames. */
#ifndef SONDE_DNS_H
#define SONDE_DNS_H

#include <stddef.h>
#include "flow.h"

/* Takes the bytes of one DNS message that was seen at `at` on the monotonic clock. `key` is the flow's. */
void observe_dns(const struct key6 *key, __u8 sender, const __u8 *bytes, size_t size, __u64 at);

/* Sends the transactions that are complete, or unanswered for long, as of `now`. */
void report_dns(__u64 now);

struct dns_tally {
	__u64 transactions;
	__u64 unanswered;
	__u64 malformed;	 /* messages to or from port 53 that are no DNS */
	__u64 lost_transactions; /* forgotten or never kept because there were too many */
};

extern struct dns_tally dns_tally;

#endif
