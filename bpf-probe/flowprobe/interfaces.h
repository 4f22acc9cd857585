/* SPDX-License-Identifier: Apache-2.0 */
/* Which interfaces are watched: chosen by the options, attached as they come and let go as they vanish. */
#ifndef SONDE_INTERFACES_H
#define SONDE_INTERFACES_H

#include <stdbool.h>

#include "options.h"

struct flowprobe_bpf;
struct interfaces;

/* Attaches to every interface of the namespace that the options choose. Ends the process if one that they name
 * (without wildcards) does not exist or cannot be watched. */
struct interfaces *watch_interfaces(struct flowprobe_bpf *bpf, const struct options *options, bool tcx);

/* Readable when interfaces changed. */
int interfaces_descriptor(const struct interfaces *interfaces);

/* Follows the changes that have come in. */
void follow_interfaces(struct interfaces *interfaces);

/* Sends an INTERFACES frame if the watched set is not the one that was last sent. Vanished interfaces stay in it until
 * they are forgotten. */
void report_interfaces(struct interfaces *interfaces);

/* To be called when the flows of a window have been sent: later ones do not name the vanished interfaces. */
void forget_vanished_interfaces(struct interfaces *interfaces);

unsigned watched_interfaces(const struct interfaces *interfaces);

/* Detaches from all; what was counted can still be read. */
void unwatch_interfaces(struct interfaces *interfaces);

#endif
