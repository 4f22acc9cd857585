// SPDX-License-Identifier: Apache-2.0
#include "processes/existing_sockets.h"
#include "flow.h"
#include "processes/existing_connections.h"
#include "processes/processes.h"
#include "flowprobe.skel.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_inet(int socket)
{
	int domain;
	socklen_t size = sizeof(domain);

	return getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       (domain == AF_INET || domain == AF_INET6);
}

/* Id of a process's control group: the inode number of its directory. 0 if unknown. */
static __u64 find_cgroup(int root, __u32 process)
{
	char path[64], line[4096];
	struct stat directory = {};
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", process);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = 0;
		if (fstatat(root, line[4] ? line + 4 : ".", &directory, 0))
			directory.st_ino = 0;
	}
	if (file)
		fclose(file);
	return directory.st_ino;
}

static void record_process(const struct flowprobe_bpf *bpf, int cgroup_root, __u32 id)
{
	struct process process = {.cgroup = find_cgroup(cgroup_root, id)};
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", id);
	file = fopen(path, "r");
	if (file && fgets(process.name, sizeof(process.name), file))
		process.name[strcspn(process.name, "\n")] = 0;
	if (file)
		fclose(file);
	bpf_map__update_elem(bpf->maps.processes, &id, sizeof(id), &process, sizeof(process), BPF_ANY);
}

/* Records the process of the socket that has this descriptor in the process of `pidfd`. */
static bool record_socket(const struct flowprobe_bpf *bpf, __u32 process, int pidfd, int descriptor)
{
	int socket = syscall(SYS_pidfd_getfd, pidfd, descriptor, 0);
	bool is_internet = socket >= 0 && is_inet(socket);
	bool recorded = is_internet && bpf_map__update_elem(bpf->maps.socket_pids, &socket, sizeof(socket), &process,
							    sizeof(process), BPF_NOEXIST) == 0;

	if (is_internet)
		note_socket(socket);
	if (socket >= 0)
		close(socket);
	return recorded;
}

static void record_sockets_of(const struct flowprobe_bpf *bpf, int cgroup_root, __u32 process)
{
	char path[64], target[64];
	struct dirent *entry;
	bool recorded = false;
	int pidfd = -1;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%u/fd", process);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target));

		if (length < 8 || strncmp(target, "socket:[", 8) != 0)
			continue;
		if (pidfd < 0)
			pidfd = syscall(SYS_pidfd_open, process, 0);
		if (pidfd >= 0)
			recorded |= record_socket(bpf, process, pidfd, atoi(entry->d_name));
	}
	if (recorded)
		record_process(bpf, cgroup_root, process);
	if (pidfd >= 0)
		close(pidfd);
	if (directory)
		closedir(directory);
}

void record_existing_sockets(const struct flowprobe_bpf *bpf)
{
	int cgroup_root = open_root_cgroup();
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		__u32 process = strtoul(entry->d_name, NULL, 10);

		if (process && process != (__u32)getpid())
			record_sockets_of(bpf, cgroup_root, process);
	}
	if (processes)
		closedir(processes);
	if (cgroup_root >= 0)
		close(cgroup_root);
}
