/* SPDX-License-Identifier: Apache-2.0 */
/* The network interfaces of this namespace and their changes, by rtnetlink (rtnetlink(7)). */
#ifndef SONDE_NETWORK_LINKS_H
#define SONDE_NETWORK_LINKS_H

#include <stdbool.h>
#include <net/if.h>

struct network_link {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];	     /* "veth", "bridge", "vxlan", ...; empty for hardware */
	bool peer_elsewhere; /* a veth's other end is in another network namespace */
	bool ethernet;	     /* frames begin with an Ethernet header */
};

/* Called for each interface that is new or changed, and with `gone` for each that vanished. */
typedef void (*link_observer)(void *context, const struct network_link *link, bool gone);

/* Opens a socket that tells of changes. Returns its descriptor; ends the process if it cannot. */
int open_network_links(void);

/* Asks for all interfaces and passes them on. */
void list_network_links(int descriptor, link_observer observer, void *context);

/* Passes on the changes that have come in. Returns false if some were lost, so that all must be listed again. */
bool read_network_links(int descriptor, link_observer observer, void *context);

#endif
