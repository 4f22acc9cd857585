// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"
#include "exit.h"
#include "owners.h"
#include "tcx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* True when the kernel or one of its modules has the function and lets programs call it. */
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

/* How many arguments a raw tracepoint's programs get; 0 if the kernel does not have it. */
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

static bool has_socket_notes(void)
{
	int cgroup = open_root_cgroup();

	if (cgroup < 0)
		return false;
	close(cgroup);
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK, BPF_FUNC_sk_storage_get, NULL) == 1 &&
	       libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_sk_storage_get, NULL) == 1;
}

struct kernel probe_kernel(void)
{
	struct kernel kernel = {};
	struct utsname system;

	uname(&system);
	snprintf(kernel.release, sizeof(kernel.release), "%s", system.release);
	kernel.btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	kernel.coarse_clock = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_ktime_get_coarse_ns, NULL) == 1;
	kernel.conntrack = kernel.btf && has_kernel_function("bpf_skb_ct_lookup");
	kernel.tcx = tcx_is_supported();
	kernel.drops = tracepoint_arguments("kfree_skb") >= 3;
	kernel.retransmits = tracepoint_arguments("tcp_retransmit_skb") >= 2;
	kernel.owners = has_socket_notes();
	return kernel;
}

void require_kernel(const struct kernel *kernel)
{
	if (!kernel->btf)
		fail(EXIT_KERNEL,
		     "kernel %s has no type information in /sys/kernel/btf/vmlinux: it must be built with "
		     "CONFIG_DEBUG_INFO_BTF",
		     kernel->release);
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) != 1)
		fail(EXIT_KERNEL, "kernel %s has no BPF ring buffer: Linux 5.10 or later is needed", kernel->release);
}

static void print_feature(const char *name, bool present, const char *otherwise)
{
	printf("%-18s %s\n", name, present ? "yes" : otherwise);
}

void print_kernel(const struct kernel *kernel)
{
	printf("%-18s %s\n", "kernel", kernel->release);
	print_feature("type information", kernel->btf, "no: flowprobe cannot run");
	print_feature("TCX links", kernel->tcx, "no: clsact filters instead");
	print_feature("coarse clock", kernel->coarse_clock, "no: precise clock, a little slower");
	print_feature("drop reasons", kernel->drops, "no: dropped packets will be missing (Linux 5.17)");
	print_feature("retransmissions", kernel->retransmits, "no: retransmits will be missing");
	print_feature("socket owners", kernel->owners, "no: processes will be missing (needs cgroup v2, Linux 5.7)");
	print_feature("conntrack", kernel->conntrack, "no: service addresses before NAT will be missing");
}
