/* SPDX-License-Identifier: Apache-2.0 */
/* Lists network interfaces and follows their changes (rtnetlink(7)). */
#ifndef SONDE_NETWORK_LINKS_H
#define SONDE_NETWORK_LINKS_H

#include <stdbool.h>
#include <net/if.h>

struct network_link {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];		  /* "veth", "bridge", "vxlan", ...; empty for hardware */
	bool peer_in_other_netns; /* the peer of a veth is in another network namespace */
	bool ethernet;		  /* frames have an Ethernet header */
};

/* Called for each new or changed interface, and with `vanished` for each removed one. */
typedef void (*link_handler)(void *context, const struct network_link *link, bool vanished);

/* Opens a netlink socket that receives changes. Returns its descriptor; exits on failure. */
int open_network_links(void);

/* Lists all interfaces. */
void list_network_links(int descriptor, link_handler handler, void *context);

/* Handles received changes. Returns false if some were lost, so that the caller must list all again. */
bool read_network_links(int descriptor, link_handler handler, void *context);

#endif
