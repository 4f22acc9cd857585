/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the interfaces that the options select: attaches to new ones and detaches from removed ones. */
#ifndef SONDE_INTERFACES_H
#define SONDE_INTERFACES_H

#include <stdbool.h>

#include "options.h"

struct flowprobe_bpf;
struct interfaces;

/* Attaches to every selected interface of the network namespace. Exits if one that is named without wildcards does not
 * exist or cannot be watched. */
struct interfaces *watch_interfaces(struct flowprobe_bpf *bpf, const struct options *options, bool tcx);

/* Readable when interfaces changed. */
int interfaces_descriptor(const struct interfaces *interfaces);

/* Handles received changes. */
void handle_interface_changes(struct interfaces *interfaces);

/* Sends an INTERFACES frame if the set of watched interfaces has changed. Vanished interfaces stay in it until they are
 * removed. */
void send_interfaces(struct interfaces *interfaces);

/* Call after the flows of a window were sent: later flows do not refer to vanished interfaces. */
void remove_vanished_interfaces(struct interfaces *interfaces);

unsigned watched_interfaces(const struct interfaces *interfaces);

/* Detaches from all interfaces; maps can still be read. */
void unwatch_interfaces(struct interfaces *interfaces);

#endif
