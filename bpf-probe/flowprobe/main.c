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
#include "payload/dns.h"
#include "exit.h"
#include "output/frames.h"
#include "kernel/interfaces.h"
#include "kernel/features.h"
#include "kernel/programs.h"
#include "output/names.h"
#include "options.h"
#include "processes/processes.h"
#include "payload/payloads.h"
#include "kernel/privileges.h"
#include "flows/records.h"
#include "flows/window_flows.h"
#include "kernel/window.h"
#include "flowprobe.skel.h"

/* How many flows ahead the tracked connection is prefetched. */
#define PREFETCHED 8

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
	bool pressure;	/* the map is filling up: end the window now */
	__u64 cpu_time; /* CPU time of this thread when account_cpu_time() was last called */
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

/* Adds the CPU time since the last call to a counter. */
static void account_cpu_time(struct probe *probe, __u64 *sum)
{
	__u64 now = clock_nanos(CLOCK_THREAD_CPUTIME_ID);

	*sum += now - probe->cpu_time;
	probe->cpu_time = now;
}

/* Sends the names that the first `count` records use, then the records. */
static void send_records(struct probe *probe, size_t count)
{
	account_cpu_time(probe, &probe->counters.records_nanos);
	send_names();
	send_flows(count);
	account_cpu_time(probe, &probe->counters.sending_nanos);
}

static void send_window(struct probe *probe, const struct record_context *context)
{
	const struct window_flows *flows = &probe->window_flows;
	struct flow_record *records = flow_records();
	size_t filled = 0, size = window_flow_count(flows);

	for (size_t i = 0; i < size; i++) {
		const struct flow *ahead = i + PREFETCHED < size ? window_flow_at(flows, i + PREFETCHED) : NULL;
		const struct flow *flow = window_flow_at(flows, i);
		struct flow_record *record = &records[filled];

		if (ahead)
			prefetch_connection(context->connections, &ahead->key6);
		if (!flow)
			continue;
		fill_record(record, flow, health_of(flows, flow), context);
		probe->counters.flows_reported++;
		probe->counters.packets_reported += record->packets_out + record->packets_in;
		probe->counters.bytes_reported += record->bytes_out + record->bytes_in;
		if (++filled == RECORDS_PER_FRAME) {
			send_records(probe, filled);
			filled = 0;
		}
	}
	send_records(probe, filled);
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

	ring_buffer__consume(probe->ring);
	probe->cpu_time = clock_nanos(CLOCK_THREAD_CPUTIME_ID);
	end_window(probe->window, &probe->window_flows);
	account_cpu_time(probe, &probe->counters.drain_nanos);
	probe->counters.map_entries = probe->window_flows.count;
	context.now = clock_nanos(CLOCK_MONOTONIC);
	merge_window_flows(&probe->window_flows);
	send_interfaces(probe->interfaces);
	/* Before the flows, so that a reader that splits a large window knows their domains. */
	send_dns(context.now);
	send_window(probe, &context);
	clear_window_flows(&probe->window_flows);
	account_cpu_time(probe, &probe->counters.drain_nanos);
	remove_vanished_interfaces(probe->interfaces);

	probe->counters.windows++;
	probe->counters.lost_packets_overflow = probe->window_flows.lost_packets;
	probe->counters.lost_bytes_overflow = probe->window_flows.lost_bytes;
	probe->counters.connections_tracked = connections_tracked(probe->connections);
	probe->counters.connections_evicted = connections_evicted(probe->connections);
	probe->counters.interfaces_watched = watched_interfaces(probe->interfaces);
	probe->counters.sampling = context.sampling;
	send_counters(probe->bpf, &probe->counters, (context.now + context.to_realtime) / 1000);
	if (probe->options.cpu_limit)
		probe->bpf->bss->window.sampling =
			adapt_sampling(probe->bpf, context.sampling, probe->options.sampling, probe->options.cpu_limit);
	clear_process_cache();
	reset_large_table(NAMES_PROCESSES);
	if (reset_large_table(NAMES_TLS_SERVERS))
		clear_tls_servers(probe->connections);
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
	probe.window_flows = create_window_flows(bpf_map__fd(probe.bpf->maps.flows), probe.options.max_flows);
	probe.connections = create_connections(probe.options.max_connections);
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
