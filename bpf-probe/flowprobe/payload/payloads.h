/* SPDX-License-Identifier: Apache-2.0 */
/* Handles the payload that the kernel programs send: DNS messages and TLS ClientHellos. */
#ifndef SONDE_PAYLOADS_H
#define SONDE_PAYLOADS_H

#include "flows/connections.h"
#include "flow.h"

/* `window`: number of the current window, in which a server name was seen. */
void handle_payload(const struct payload_message *message, struct connections *connections, __u32 window);

#endif
