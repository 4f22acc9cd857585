// SPDX-License-Identifier: Apache-2.0
#include "kernel/tcx.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <bpf/bpf.h>

/* include/uapi/linux/bpf.h of Linux 6.6 */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS  47
#define FLAG_BEFORE	   (1u << 3) /* without a relative program: before all */

int attach_tcx(int program, int ifindex, bool ingress)
{
	union bpf_attr attr;
	long descriptor;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = program;
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = ingress ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;
	attr.link_create.flags = FLAG_BEFORE;
	descriptor = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return descriptor < 0 ? -errno : (int)descriptor;
}

bool tcx_is_supported(void)
{
	static const struct bpf_insn next[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "sonde_check", "GPL", next, 2, NULL);
	int link = program < 0 ? program : attach_tcx(program, if_nametoindex("lo"), false);

	if (link >= 0)
		close(link);
	if (program >= 0)
		close(program);
	return link >= 0;
}
