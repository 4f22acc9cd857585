// SPDX-License-Identifier: Apache-2.0
#include "kernel/privileges.h"
#include "exit.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not in every distribution's <linux/capability.h>. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

static bool has_capability(const struct __user_cap_data_struct *sets, int capability)
{
	return sets[capability / 32].effective & (1u << (capability % 32));
}

void require_privileges(void)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = {{CAP_BPF, "CAP_BPF"}, {CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {CAP_PERFMON, "CAP_PERFMON"}};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	char missing[64] = "";

	if (syscall(SYS_capget, &header, sets))
		fail(EXIT_PRIVILEGE, "cannot read this process's capabilities: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		/* CAP_SYS_ADMIN stands in for CAP_BPF and CAP_PERFMON. */
		if (has_capability(sets, needed[i].number) ||
		    (needed[i].number != CAP_NET_ADMIN && has_capability(sets, CAP_SYS_ADMIN)))
			continue;
		if (missing[0])
			strcat(missing, ", ");
		strcat(missing, needed[i].name);
	}
	if (missing[0])
		fail(EXIT_PRIVILEGE, "missing %s: run as root, or grant the capabilities to this process", missing);
}

/* Linux 5.19 lets unprivileged processes use maps that they have open (commit c8644cd0efe7). */
static bool maps_need_capability(const char *kernel_release)
{
	int major = 0, minor = 0;

	sscanf(kernel_release, "%d.%d", &major, &minor);
	return major < 5 || (major == 5 && minor < 19);
}

static void keep(struct __user_cap_data_struct *sets, const struct __user_cap_data_struct *held, int capability)
{
	__u32 bit = 1u << (capability % 32);

	sets[capability / 32].effective |= held[capability / 32].effective & bit;
	sets[capability / 32].permitted |= held[capability / 32].permitted & bit;
}

void drop_privileges(const char *kernel_release)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3], kept[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, held))
		fail(EXIT_PRIVILEGE, "cannot read this process's capabilities: %s", strerror(errno));
	keep(kept, held, CAP_NET_ADMIN);
	if (maps_need_capability(kernel_release)) {
		keep(kept, held, CAP_BPF);
		keep(kept, held, CAP_SYS_ADMIN);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &header, kept))
		fail(EXIT_PRIVILEGE, "cannot drop capabilities: %s", strerror(errno));
}
