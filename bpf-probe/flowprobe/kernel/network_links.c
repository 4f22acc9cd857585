// SPDX-License-Identifier: Apache-2.0
#include "kernel/network_links.h"
#include "exit.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER (1 << 20)

int open_network_links(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int size = RECEIVE_BUFFER;
	int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof(address)))
		fail(EXIT_OTHER, "cannot open the rtnetlink socket: %s", strerror(errno));
	/* Fewer lost changes when many pods start at once; the default is fine too. */
	setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return descriptor;
}

static void read_kind(struct network_link *link, const struct rtattr *info)
{
	int length = RTA_PAYLOAD(info);

	for (const struct rtattr *a = RTA_DATA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		if (a->rta_type == IFLA_INFO_KIND)
			snprintf(link->kind, sizeof(link->kind), "%s", (const char *)RTA_DATA(a));
	}
}

static struct network_link read_link(const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	struct network_link link = {.ifindex = info->ifi_index,
				    .ethernet = info->ifi_type == ARPHRD_ETHER || info->ifi_type == ARPHRD_LOOPBACK};
	int length = IFLA_PAYLOAD(message);

	for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		switch (a->rta_type & NLA_TYPE_MASK) {
		case IFLA_IFNAME:
			snprintf(link.name, sizeof(link.name), "%s", (const char *)RTA_DATA(a));
			break;
		case IFLA_LINK_NETNSID:
			link.peer_in_other_netns = true;
			break;
		case IFLA_LINKINFO:
			read_kind(&link, a);
			break;
		}
	}
	return link;
}

/* Reads all received messages, or with `listing` until the end of the list. */
static bool read_messages(int descriptor, bool listing, link_handler handler, void *context)
{
	static char buffer[65536] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		ssize_t length = recv(descriptor, buffer, sizeof(buffer), listing ? 0 : MSG_DONTWAIT);

		if (length < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN)
				return true;
			if (errno == ENOBUFS)
				return false;
			fail(EXIT_OTHER, "cannot read network interfaces: %s", strerror(errno));
		}
		for (const struct nlmsghdr *m = (void *)buffer; NLMSG_OK(m, length); m = NLMSG_NEXT(m, length)) {
			struct network_link link;

			if (m->nlmsg_type == NLMSG_DONE)
				return true;
			if (m->nlmsg_type != RTM_NEWLINK && m->nlmsg_type != RTM_DELLINK)
				continue;
			/* Skip the separate messages of bridges about their ports. */
			if (((struct ifinfomsg *)NLMSG_DATA(m))->ifi_family != AF_UNSPEC)
				continue;
			link = read_link(m);
			handler(context, &link, m->nlmsg_type == RTM_DELLINK);
		}
	}
}

void list_network_links(int descriptor, link_handler handler, void *context)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.info = {.ifi_family = AF_UNSPEC},
	};

	do {
		if (send(descriptor, &request, sizeof(request), 0) < 0)
			fail(EXIT_OTHER, "cannot list network interfaces: %s", strerror(errno));
	} while (!read_messages(descriptor, true, handler, context));
}

bool read_network_links(int descriptor, link_handler handler, void *context)
{
	return read_messages(descriptor, false, handler, context);
}
