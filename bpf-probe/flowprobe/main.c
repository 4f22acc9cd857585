// SPDX-License-Identifier: Apache-2.0
/*
 * flowprobe: loads the kernel programs, attaches them to interfaces, and writes the flows of each window as frames
 * (PROTOCOL.md). Single-threaded; everything it attached is detached when it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "sampling.h"
#include "clock.h"
#include "flows/connections.h"
#include "output/counters.h"
#include "exit.h"
#include "output/frames.h"
#include "kernel/interfaces.h"
#include "kernel/drop_reasons.h"
#include "kernel/features.h"
#include "kernel/flow_map.h"
#include "kernel/map_values.h"
#include "kernel/programs.h"
#include "output/report.h"
#include "output/stream.h"
#include "options.h"
#include "payload/payloads.h"
#include "processes/existing_connections.h"
#include "kernel/privileges.h"
#include "flows/records.h"
#include "kernel/window.h"
#include "flowprobe.skel.h"

/* Feature bits of the HELLO frame. */
#define FEATURE_TCX	    (1u << 0)
#define FEATURE_CONNTRACK   (1u << 1)
#define FEATURE_DROPS	    (1u << 2)
#define FEATURE_RETRANSMITS (1u << 3)
#define FEATURE_PROCESSES   (1u << 4)

struct probe {
	struct options options;
	struct flowprobe_bpf *bpf;
	struct interfaces *interfaces;
	struct ring_buffer *ring;
	struct window *window;
	struct window_flows window_flows;
	struct connections *connections;
	struct probe_counters counters;
	bool pressure; /* the map is filling up: end the window now */
};

static void enter_netns(const char *path)
{
	int descriptor;

	if (!path)
		return;
	descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0 || setns(descriptor, CLONE_NEWNET))
		fail(EXIT_OTHER, "cannot enter the network namespace %s: %s", path, strerror(errno));
	close(descriptor);
}

static void send_hello(const struct options *options, const struct kernel_features *kernel)
{
	begin_frame(FRAME_HELLO);
	put_u32(getpid());
	put_u32(options->window_millis);
	put_u32((kernel->tcx ? FEATURE_TCX : 0) | (kernel->conntrack ? FEATURE_CONNTRACK : 0) |
		(kernel->drops ? FEATURE_DROPS : 0) | (kernel->retransmits ? FEATURE_RETRANSMITS : 0) |
		(kernel->processes ? FEATURE_PROCESSES : 0));
	put_u32(options->max_flows);
	put_string(kernel->release);
	send_frame();
}

static int handle_packet_message(void *context, void *data, size_t size)
{
	struct probe *probe = context;
	const struct overflow_message *message = data;

	if (message->kind == MESSAGE_OVERFLOW)
		add_overflow(&probe->window_flows, message);
	else
		probe->pressure = true;
	return 0;
}

static int handle_payload_message(void *context, void *data, size_t size)
{
	struct probe *probe = context;

	handle_payload(data, probe->connections, probe->bpf->bss->window.number);
	return 0;
}

static void finish_window(struct probe *probe)
{
	struct record_context context = {
		.bpf = probe->bpf,
		.connections = probe->connections,
		.to_realtime = realtime_offset(),
		.window = probe->bpf->bss->window.number,
		.sampling = probe->bpf->bss->window.sampling,
	};
	__u64 kernel_counters[COUNTERS];

	ring_buffer__consume(probe->ring);
	begin_cpu_accounting();
	end_window(probe->window, &probe->window_flows);
	account_cpu_time(&probe->counters.drain_nanos);
	context.now = clock_nanos(CLOCK_MONOTONIC);
	send_interfaces(probe->interfaces);
	report_flows(&probe->window_flows, &context, &probe->counters);
	remove_vanished_interfaces(probe->interfaces);
	probe->counters.interfaces_watched = watched_interfaces(probe->interfaces);
	read_counters(probe->bpf, kernel_counters);
	send_counters(kernel_counters, &probe->counters, (context.now + context.to_realtime) / 1000);
	if (probe->options.cpu_limit)
		probe->bpf->bss->window.sampling =
			adapt_sampling(probe->bpf, context.sampling, probe->options.sampling, probe->options.cpu_limit);
	probe->pressure = false;
}

/* SIGINT and SIGTERM, as a descriptor. */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN); /* write() returns EPIPE. */
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int open_timer(__u32 millis)
{
	struct timespec interval = {millis / 1000, millis % 1000 * 1000000};
	struct itimerspec timer = {interval, interval};
	int descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (descriptor < 0 || timerfd_settime(descriptor, 0, &timer, NULL))
		fail(EXIT_OTHER, "cannot start a timer: %s", strerror(errno));
	return descriptor;
}

/* Ends each window on time, or early when the map is filling up, until a signal arrives or the reader closes the
 * output. */
static void run(struct probe *probe, __u32 window_millis, int signals)
{
	enum { SIGNALS, TIMER, RING, INTERFACES, OUTPUT, SOURCES };
	struct pollfd sources[SOURCES] = {
		[SIGNALS] = {.fd = signals, .events = POLLIN},
		[TIMER] = {.fd = open_timer(window_millis), .events = POLLIN},
		[RING] = {.fd = ring_buffer__epoll_fd(probe->ring), .events = POLLIN},
		[INTERFACES] = {.fd = interfaces_descriptor(probe->interfaces), .events = POLLIN},
		[OUTPUT] = {.fd = output_fd()}, /* errors only */
	};

	for (;;) {
		__u64 expirations;

		if (poll(sources, SOURCES, -1) < 0 && errno != EINTR)
			fail(EXIT_OTHER, "cannot wait: %s", strerror(errno));
		if (sources[OUTPUT].revents & (POLLERR | POLLHUP))
			return;
		if (sources[INTERFACES].revents) {
			handle_interface_changes(probe->interfaces);
			send_interfaces(probe->interfaces);
		}
		if (sources[RING].revents)
			ring_buffer__consume(probe->ring);
		if (sources[SIGNALS].revents) {
			unwatch_interfaces(probe->interfaces);
			finish_window(probe);
			return;
		}
		if (sources[TIMER].revents && read(sources[TIMER].fd, &expirations, sizeof(expirations)) > 0) {
			finish_window(probe);
		} else if (probe->pressure) {
			probe->counters.windows_ended_early++;
			finish_window(probe);
		}
	}
}

int main(int argc, char **argv)
{
	static struct probe probe;
	struct kernel_features kernel;
	int signals;

	probe.options = read_options(argc, argv);
	signals = open_signals();

	/* End with the parent, which reads the output. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	require_privileges();
	enter_netns(probe.options.netns);
	kernel = detect_features();
	if (probe.options.check) {
		print_features(&kernel);
		return EXIT_OK;
	}
	require_features(&kernel);
	kernel.tcx = kernel.tcx && !probe.options.filters;
	open_output(probe.options.output);

	probe.bpf = load_programs(&probe.options, &kernel);
	probe.bpf->bss->window.sampling = probe.options.sampling;
	if (probe.options.cpu_limit)
		enable_run_time_stats();
	probe.window = open_window(probe.bpf);
	probe.window_flows = map_window_flows(bpf_map__fd(probe.bpf->maps.flows), probe.options.max_flows);
	probe.connections = create_connections(probe.options.max_connections);
	track_existing_connections(probe.connections);
	probe.counters.map_capacity = probe.options.max_flows;
	probe.ring = ring_buffer__new(bpf_map__fd(probe.bpf->maps.packets), handle_packet_message, &probe, NULL);
	if (!probe.ring ||
	    ring_buffer__add(probe.ring, bpf_map__fd(probe.bpf->maps.payloads), handle_payload_message, &probe))
		fail(EXIT_KERNEL, "cannot read the ring buffer: %s", strerror(errno));
	probe.interfaces = watch_interfaces(probe.bpf, &probe.options, kernel.tcx);

	drop_privileges(kernel.release);

	send_hello(&probe.options, &kernel);
	if (kernel.drops)
		send_drop_reasons();
	send_interfaces(probe.interfaces);
	run(&probe, probe.options.window_millis, signals);
	return EXIT_OK;
}
