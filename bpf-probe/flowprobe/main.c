// SPDX-License-Identifier: Apache-2.0
/*
 * flowprobe: loads the kernel programs, attaches them to interfaces, and writes each window's flows as frames
 * (PROTOCOL.md). One thread, one loop; everything it attached goes away with it.
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

#include "budget.h"
#include "clock.h"
#include "connections.h"
#include "counters.h"
#include "dns.h"
#include "exit.h"
#include "frames.h"
#include "interfaces.h"
#include "kernel.h"
#include "load.h"
#include "names.h"
#include "options.h"
#include "owners.h"
#include "payloads.h"
#include "privileges.h"
#include "records.h"
#include "sightings.h"
#include "window.h"
#include "flowprobe.skel.h"

/* How many flows ahead what is remembered of a connection is loaded from memory. */
#define PREFETCHED 8

/* Feature bits of the HELLO frame. */
#define FEATURE_TCX	    (1u << 0)
#define FEATURE_CONNTRACK   (1u << 1)
#define FEATURE_DROPS	    (1u << 2)
#define FEATURE_RETRANSMITS (1u << 3)
#define FEATURE_OWNERS	    (1u << 4)

struct probe {
	struct options options;
	struct flowprobe_bpf *bpf;
	struct interfaces *interfaces;
	struct ring_buffer *ring;
	struct window *window;
	struct sightings sightings;
	struct connections *connections;
	struct tally tally;
	bool pressure;	 /* the map fills up: end the window now */
	__u64 accounted; /* CPU time of this thread when account() was last called */
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

static void send_hello(const struct options *options, const struct kernel *kernel)
{
	begin_frame(FRAME_HELLO);
	put_u32(getpid());
	put_u32(options->window_millis);
	put_u32((kernel->tcx ? FEATURE_TCX : 0) | (kernel->conntrack ? FEATURE_CONNTRACK : 0) |
		(kernel->drops ? FEATURE_DROPS : 0) | (kernel->retransmits ? FEATURE_RETRANSMITS : 0) |
		(kernel->owners ? FEATURE_OWNERS : 0));
	put_u32(options->max_flows);
	put_text(kernel->release);
	send_frame();
}

static int take_message(void *context, void *data, size_t size)
{
	struct probe *probe = context;
	const struct overflow_message *message = data;

	if (message->kind == MESSAGE_OVERFLOW)
		add_overflow(&probe->sightings, message);
	else
		probe->pressure = true;
	return 0;
}

static int take_payload_message(void *context, void *data, size_t size)
{
	struct probe *probe = context;

	take_payload(data, probe->connections, probe->bpf->bss->window.number);
	return 0;
}

/* Adds the CPU time since the last call to a sum of the tally. */
static void account(struct probe *probe, __u64 *sum)
{
	__u64 now = clock_nanos(CLOCK_THREAD_CPUTIME_ID);

	*sum += now - probe->accounted;
	probe->accounted = now;
}

/* Sends the first `count` records, and before them the names that they use. */
static void send_records(struct probe *probe, size_t count)
{
	account(probe, &probe->tally.records_nanos);
	send_names();
	send_flows(count);
	account(probe, &probe->tally.sending_nanos);
}

static void send_window(struct probe *probe, const struct record_context *context)
{
	const struct sightings *sightings = &probe->sightings;
	struct flow_record *records = flow_records();
	size_t filled = 0, size = sightings_size(sightings);

	for (size_t i = 0; i < size; i++) {
		const struct flow *ahead = i + PREFETCHED < size ? sighting_at(sightings, i + PREFETCHED) : NULL;
		const struct flow *flow = sighting_at(sightings, i);
		struct flow_record *record = &records[filled];

		if (ahead)
			prefetch_connection(context->connections, &ahead->key6);
		if (!flow)
			continue;
		make_record(record, flow, trouble_of(sightings, flow), context);
		probe->tally.flows_reported++;
		probe->tally.packets_reported += record->packets_out + record->packets_in;
		probe->tally.bytes_reported += record->bytes_out + record->bytes_in;
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
	probe->accounted = clock_nanos(CLOCK_THREAD_CPUTIME_ID);
	end_window(probe->window, &probe->sightings);
	account(probe, &probe->tally.drain_nanos);
	probe->tally.map_entries = probe->sightings.count;
	context.now = clock_nanos(CLOCK_MONOTONIC);
	join_sightings(&probe->sightings);
	report_interfaces(probe->interfaces);
	/* Before the flows, so that a reader that hands on a large window in parts knows their domains. */
	report_dns(context.now);
	send_window(probe, &context);
	clear_sightings(&probe->sightings);
	account(probe, &probe->tally.drain_nanos);
	forget_vanished_interfaces(probe->interfaces);

	probe->tally.windows++;
	probe->tally.lost_packets_overflow = probe->sightings.lost_packets;
	probe->tally.lost_bytes_overflow = probe->sightings.lost_bytes;
	probe->tally.connections_known = connections_known(probe->connections);
	probe->tally.connections_forgotten = connections_forgotten(probe->connections);
	probe->tally.interfaces_watched = watched_interfaces(probe->interfaces);
	probe->tally.sampling = context.sampling;
	send_counters(probe->bpf, &probe->tally, (context.now + context.to_realtime) / 1000);
	if (probe->options.cpu_budget)
		probe->bpf->bss->window.sampling = adapt_sampling(probe->bpf, context.sampling, probe->options.sampling,
								  probe->options.cpu_budget);
	forget_owners();
	trim_names(NAMES_PROCESSES);
	if (trim_names(NAMES_TLS_SERVERS))
		forget_tls_servers(probe->connections);
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
	signal(SIGPIPE, SIG_IGN); /* A failing write tells. */
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

/* Ends each window in its time, or early under pressure, until a signal comes or the reader goes. */
static void run(struct probe *probe, __u32 window_millis, int signals)
{
	enum { SIGNALS, TIMER, RING, INTERFACES, STREAM, SOURCES };
	struct pollfd sources[SOURCES] = {
		[SIGNALS] = {.fd = signals, .events = POLLIN},
		[TIMER] = {.fd = open_timer(window_millis), .events = POLLIN},
		[RING] = {.fd = ring_buffer__epoll_fd(probe->ring), .events = POLLIN},
		[INTERFACES] = {.fd = interfaces_descriptor(probe->interfaces), .events = POLLIN},
		[STREAM] = {.fd = stream_descriptor()}, /* errors only */
	};

	for (;;) {
		__u64 expirations;

		if (poll(sources, SOURCES, -1) < 0 && errno != EINTR)
			fail(EXIT_OTHER, "cannot wait: %s", strerror(errno));
		if (sources[STREAM].revents & (POLLERR | POLLHUP))
			return;
		if (sources[INTERFACES].revents) {
			follow_interfaces(probe->interfaces);
			report_interfaces(probe->interfaces);
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
			probe->tally.windows_early++;
			finish_window(probe);
		}
	}
}

int main(int argc, char **argv)
{
	static struct probe probe;
	struct kernel kernel;
	int signals;

	probe.options = read_options(argc, argv);
	signals = open_signals();

	/* Without whoever started it nobody reads; the parent may have ended before this line. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	require_privileges();
	enter_netns(probe.options.netns);
	kernel = probe_kernel();
	if (probe.options.check) {
		print_kernel(&kernel);
		return EXIT_OK;
	}
	require_kernel(&kernel);
	kernel.tcx = kernel.tcx && !probe.options.filters;
	open_stream(probe.options.output);

	probe.bpf = load_programs(&probe.options, &kernel);
	probe.bpf->bss->window.sampling = probe.options.sampling;
	if (probe.options.cpu_budget)
		measure_programs();
	probe.window = open_window(probe.bpf);
	probe.sightings = make_sightings(bpf_map__fd(probe.bpf->maps.flows), probe.options.max_flows);
	probe.connections = make_connections(probe.options.max_connections);
	probe.tally.map_capacity = probe.options.max_flows;
	probe.ring = ring_buffer__new(bpf_map__fd(probe.bpf->maps.packets), take_message, &probe, NULL);
	if (!probe.ring ||
	    ring_buffer__add(probe.ring, bpf_map__fd(probe.bpf->maps.payloads), take_payload_message, &probe))
		fail(EXIT_KERNEL, "cannot read the ring buffer: %s", strerror(errno));
	probe.interfaces = watch_interfaces(probe.bpf, &probe.options, kernel.tcx);

	drop_privileges(kernel.release);

	send_hello(&probe.options, &kernel);
	if (kernel.drops)
		send_drop_reasons();
	report_interfaces(probe.interfaces);
	run(&probe, probe.options.window_millis, signals);
	return EXIT_OK;
}
