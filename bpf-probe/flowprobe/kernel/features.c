// SPDX-License-Identifier: Apache-2.0
#include "kernel/features.h"
#include "exit.h"
#include "processes/processes.h"
#include "kernel/tcx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* Whether the kernel, or the module nf_conntrack, has this function. */
static bool has_kernel_function(const char *name)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	bool found = vmlinux && btf__find_by_name_kind(vmlinux, name, BTF_KIND_FUNC) > 0;

	if (vmlinux && !found) {
		struct btf *module = btf__load_module_btf("nf_conntrack", vmlinux);

		found = module && btf__find_by_name_kind(module, name, BTF_KIND_FUNC) > 0;
		btf__free(module);
	}
	btf__free(vmlinux);
	return found;
}

/* Number of arguments of a raw tracepoint; 0 if the kernel does not have it. */
static int tracepoint_arguments(const char *name)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	char type_name[64];
	int id, arguments = 0;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = vmlinux ? btf__find_by_name_kind(vmlinux, type_name, BTF_KIND_TYPEDEF) : -1;
	if (id > 0) {
		/* The typedef of a pointer to a function whose first parameter is not the tracepoint's. */
		const struct btf_type *pointer = btf__type_by_id(vmlinux, btf__type_by_id(vmlinux, id)->type);

		arguments = btf_vlen(btf__type_by_id(vmlinux, pointer->type)) - 1;
	}
	btf__free(vmlinux);
	return arguments;
}

static bool supports_socket_storage(void)
{
	int cgroup = open_root_cgroup();

	if (cgroup < 0)
		return false;
	close(cgroup);
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK, BPF_FUNC_sk_storage_get, NULL) == 1 &&
	       libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_sk_storage_get, NULL) == 1;
}

struct kernel_features detect_features(void)
{
	struct kernel_features kernel = {};
	struct utsname system;

	uname(&system);
	snprintf(kernel.release, sizeof(kernel.release), "%s", system.release);
	kernel.btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	kernel.coarse_clock = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_ktime_get_coarse_ns, NULL) == 1;
	kernel.conntrack = kernel.btf && has_kernel_function("bpf_skb_ct_lookup");
	kernel.tcx = tcx_is_supported();
	kernel.drops = tracepoint_arguments("kfree_skb") >= 3;
	kernel.retransmits = tracepoint_arguments("tcp_retransmit_skb") >= 2;
	kernel.processes = supports_socket_storage();
	return kernel;
}

void require_features(const struct kernel_features *kernel)
{
	if (!kernel->btf)
		fail(EXIT_KERNEL,
		     "kernel %s has no type information in /sys/kernel/btf/vmlinux; use a kernel built with "
		     "CONFIG_DEBUG_INFO_BTF",
		     kernel->release);
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) != 1)
		fail(EXIT_KERNEL, "kernel %s has no BPF ring buffer; use Linux 5.10 or later", kernel->release);
}

static void print_feature(const char *name, bool present, const char *otherwise)
{
	printf("%-18s %s\n", name, present ? "yes" : otherwise);
}

void print_features(const struct kernel_features *kernel)
{
	printf("%-18s %s\n", "kernel", kernel->release);
	print_feature("type information", kernel->btf, "no: required");
	print_feature("TCX links", kernel->tcx, "no: clsact filters instead");
	print_feature("coarse clock", kernel->coarse_clock, "no: precise clock instead, slightly slower");
	print_feature("drop reasons", kernel->drops, "no: dropped packets are not reported (needs Linux 5.17)");
	print_feature("retransmits", kernel->retransmits, "no: retransmits are detected by sequence numbers only");
	print_feature("socket processes", kernel->processes,
		      "no: processes are not reported (needs cgroup v2 and Linux 5.7)");
	print_feature("conntrack", kernel->conntrack, "no: service addresses before NAT are not reported");
}
