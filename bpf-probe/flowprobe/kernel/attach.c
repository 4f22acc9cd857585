// SPDX-License-Identifier: Apache-2.0
#include "kernel/attach.h"
#include "kernel/tcx.h"
#include "flow.h"
#include "flowprobe.skel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Handle and priority of the filters: before those at the usual priorities. */
#define FILTER_HANDLE	0x5344
#define FILTER_PRIORITY 1

static const enum bpf_tc_attach_point directions[2] = {BPF_TC_INGRESS, BPF_TC_EGRESS};

static int attach_filter(int program, int ifindex, enum bpf_tc_attach_point direction)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = direction);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
			    .prog_fd = program, .flags = BPF_TC_F_REPLACE);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return error;
	return bpf_tc_attach(&hook, &filter);
}

static void detach_filter(int ifindex, enum bpf_tc_attach_point direction)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = direction);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	bpf_tc_detach(&hook, &filter);
}

static void choose_programs(const struct flowprobe_bpf *bpf, const struct network_link *link, enum interface_kind kind,
			    int programs[2])
{
	const struct bpf_program *in = bpf->progs.sonde_pod_in, *out = bpf->progs.sonde_pod_out;

	if (!link->ethernet) {
		in = bpf->progs.sonde_ip_in;
		out = bpf->progs.sonde_ip_out;
	} else if (kind == INTERFACE_UPLINK) {
		in = bpf->progs.sonde_uplink_in;
		out = bpf->progs.sonde_uplink_out;
	}
	programs[0] = bpf_program__fd(in);
	programs[1] = bpf_program__fd(out);
}

int attach_interface(const struct flowprobe_bpf *bpf, const struct network_link *link, enum interface_kind kind,
		     bool tcx, struct attachment *attachment)
{
	int programs[2];

	choose_programs(bpf, link, kind, programs);
	*attachment = (struct attachment){.ifindex = link->ifindex, .links = {-1, -1}};
	for (int i = 0; i < 2; i++) {
		int result = tcx ? attach_tcx(programs[i], link->ifindex, i == 0)
				 : attach_filter(programs[i], link->ifindex, directions[i]);

		if (result < 0) {
			detach_interface(attachment);
			return result;
		}
		if (tcx)
			attachment->links[i] = result;
	}
	return 0;
}

void detach_interface(const struct attachment *attachment)
{
	for (int i = 0; i < 2; i++) {
		if (attachment->links[i] >= 0)
			close(attachment->links[i]);
		else
			detach_filter(attachment->ifindex, directions[i]);
	}
}

static bool is_sonde_program(__u32 program_id)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int program = bpf_prog_get_fd_by_id(program_id);
	bool ours = program >= 0 && bpf_obj_get_info_by_fd(program, &info, &size) == 0 &&
		    strncmp(info.name, "sonde_", 6) == 0;

	if (program >= 0)
		close(program);
	return ours;
}

void remove_leftover_filters(int ifindex)
{
	for (int i = 0; i < 2; i++) {
		DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = directions[i]);
		DECLARE_LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

		if (bpf_tc_query(&hook, &filter) == 0 && is_sonde_program(filter.prog_id))
			detach_filter(ifindex, directions[i]);
	}
}
