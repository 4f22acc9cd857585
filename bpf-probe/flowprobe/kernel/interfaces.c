// SPDX-License-Identifier: Apache-2.0
#include "kernel/interfaces.h"
#include "kernel/attach.h"
#include "exit.h"
#include "flow.h"
#include "output/frames.h"
#include "kernel/network_links.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct interface {
	struct network_link link;
	enum interface_kind kind; /* if watched */
	bool watched;
	bool listed;   /* seen in the listing that is going on */
	bool vanished; /* vanished, but the window's flows may still name it */
	struct attachment attachment;
};

struct interfaces {
	struct flowprobe_bpf *bpf;
	const struct options *options;
	bool tcx;
	int descriptor;
	bool changed; /* since the last INTERFACES frame */
	struct interface *all;
	size_t count;
};

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* Whether the options select the interface, and as which kind. */
static bool is_selected(const struct options *options, const struct network_link *link, enum interface_kind *kind)
{
	for (int i = 0; i < options->pattern_count; i++) {
		if (fnmatch(options->patterns[i].pattern, link->name, 0) == 0) {
			*kind = options->patterns[i].kind;
			return true;
		}
	}
	*kind = INTERFACE_POD;
	return options->pods && strcmp(link->kind, "veth") == 0 && link->peer_in_other_netns;
}

static struct interface *find_interface(struct interfaces *interfaces, int ifindex)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		if (interfaces->all[i].link.ifindex == ifindex && !interfaces->all[i].vanished)
			return &interfaces->all[i];
	}
	return NULL;
}

static struct interface *add_interface(struct interfaces *interfaces)
{
	struct interface *all = realloc(interfaces->all, (interfaces->count + 1) * sizeof(*all));

	if (!all)
		fail(EXIT_OTHER, "out of memory");
	interfaces->all = all;
	all[interfaces->count] = (struct interface){};
	return &all[interfaces->count++];
}

static void stop_watching(struct interfaces *interfaces, struct interface *interface)
{
	detach_interface(&interface->attachment);
	interface->watched = false;
	interfaces->changed = true;
}

static void start_watching(struct interfaces *interfaces, struct interface *interface, enum interface_kind kind)
{
	int error = attach_interface(interfaces->bpf, &interface->link, kind, interfaces->tcx, &interface->attachment);

	if (error == -ENODEV)
		return; /* It vanished; a netlink message follows. */
	if (error) {
		log_message("cannot watch the interface %s: %s", interface->link.name, strerror(-error));
		return;
	}
	interface->watched = true;
	interface->kind = kind;
	interfaces->changed = true;
}

static void handle_vanished(struct interfaces *interfaces, struct interface *interface)
{
	if (interface->watched)
		detach_interface(&interface->attachment);
	interface->vanished = true;
}

static void handle_link(void *context, const struct network_link *link, bool vanished)
{
	struct interfaces *interfaces = context;
	struct interface *interface = find_interface(interfaces, link->ifindex);
	enum interface_kind kind;
	bool selected;

	if (vanished) {
		if (interface)
			handle_vanished(interfaces, interface);
		return;
	}
	if (!interface)
		interface = add_interface(interfaces);
	if (interface->watched && strcmp(interface->link.name, link->name) != 0)
		interfaces->changed = true;
	interface->link = *link;
	interface->listed = true;
	selected = is_selected(interfaces->options, link, &kind);
	if (interface->watched && (!selected || kind != interface->kind))
		stop_watching(interfaces, interface);
	if (!interface->watched && selected)
		start_watching(interfaces, interface, kind);
}

static void list_all(struct interfaces *interfaces)
{
	for (size_t i = 0; i < interfaces->count; i++)
		interfaces->all[i].listed = false;
	list_network_links(interfaces->descriptor, handle_link, interfaces);
	for (size_t i = 0; i < interfaces->count; i++) {
		if (!interfaces->all[i].listed && !interfaces->all[i].vanished)
			handle_vanished(interfaces, &interfaces->all[i]);
	}
}

static void require_named_interfaces(const struct interfaces *interfaces)
{
	for (int p = 0; p < interfaces->options->pattern_count; p++) {
		const char *name = interfaces->options->patterns[p].pattern;
		bool watched = is_pattern(name);

		for (size_t i = 0; i < interfaces->count && !watched; i++)
			watched = interfaces->all[i].watched && strcmp(interfaces->all[i].link.name, name) == 0;
		if (!watched)
			fail(EXIT_INTERFACE,
			     "interface %s does not exist in this network namespace or cannot be watched", name);
	}
}

struct interfaces *watch_interfaces(struct flowprobe_bpf *bpf, const struct options *options, bool tcx)
{
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));

	if (!interfaces)
		fail(EXIT_OTHER, "out of memory");
	*interfaces = (struct interfaces){
		.bpf = bpf, .options = options, .tcx = tcx, .descriptor = open_network_links(), .changed = true};
	list_all(interfaces);
	for (size_t i = 0; i < interfaces->count; i++) {
		if (!interfaces->all[i].watched || tcx)
			remove_leftover_filters(interfaces->all[i].link.ifindex);
	}
	require_named_interfaces(interfaces);
	return interfaces;
}

int interfaces_descriptor(const struct interfaces *interfaces)
{
	return interfaces->descriptor;
}

void handle_interface_changes(struct interfaces *interfaces)
{
	if (!read_network_links(interfaces->descriptor, handle_link, interfaces))
		list_all(interfaces);
}

unsigned watched_interfaces(const struct interfaces *interfaces)
{
	unsigned watched = 0;

	for (size_t i = 0; i < interfaces->count; i++)
		watched += interfaces->all[i].watched;
	return watched;
}

void send_interfaces(struct interfaces *interfaces)
{
	if (!interfaces->changed)
		return;
	interfaces->changed = false;
	begin_frame(FRAME_INTERFACES);
	put_u32(watched_interfaces(interfaces));
	for (size_t i = 0; i < interfaces->count; i++) {
		const struct interface *interface = &interfaces->all[i];

		if (!interface->watched)
			continue;
		put_u32(interface->link.ifindex);
		put_u8(interface->kind);
		put_string(interface->link.name);
	}
	send_frame();
}

void remove_vanished_interfaces(struct interfaces *interfaces)
{
	for (size_t i = interfaces->count; i-- > 0;) {
		if (!interfaces->all[i].vanished)
			continue;
		interfaces->changed |= interfaces->all[i].watched;
		interfaces->all[i] = interfaces->all[--interfaces->count];
	}
}

void unwatch_interfaces(struct interfaces *interfaces)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		if (!interfaces->all[i].vanished)
			handle_vanished(interfaces, &interfaces->all[i]);
	}
}
