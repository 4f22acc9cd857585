/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what the kernel programs pass on of packets' payload: DNS messages and TLS ClientHellos. */
#ifndef SONDE_PAYLOADS_H
#define SONDE_PAYLOADS_H

#include "connections.h"
#include "flow.h"

/* `window` numbers the window: a server name that was learned in it belongs to a connection that it began. */
void take_payload(const struct payload_message *message, struct connections *connections, __u32 window);

#endif
