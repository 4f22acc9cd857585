import { collectedCounter, collectedGauge } from '@sonde/backbone/metrics/collected';
import { Counter, type Registry } from 'prom-client';
import type { CollectorObserver } from './collector.js';

/** A metric whose values are counters of the probe (bpf-probe/PROTOCOL.md) or of a pcap source. */
interface ProbeMetric {
  readonly name: string;
  readonly help: string;
  /** Label that distinguishes the counters of this metric. */
  readonly label?: string;
  /** Label value by counter name; empty without a label. */
  readonly counters: Readonly<Record<string, string>>;
  /** Multiplier from the counter's unit to the metric's. */
  readonly factor?: number;
}

const probeCounters: readonly ProbeMetric[] = [
  {
    name: 'sonde_probe_flows_total',
    help: 'Flow records that the probe emitted',
    counters: { flows_reported: '' },
  },
  {
    name: 'sonde_probe_packets_total',
    help: 'Packets in the flow records that the probe emitted, or that were read from a capture file',
    counters: { packets_reported: '' },
  },
  {
    name: 'sonde_probe_bytes_total',
    help: 'Bytes in the flow records that the probe emitted',
    counters: { bytes_reported: '' },
  },
  {
    name: 'sonde_probe_ignored_packets_total',
    help: 'Packets without a flow record, by reason: not_ip, malformed; of capture files also absurd_time, absurd_length, without_time, link_type, copy',
    label: 'reason',
    counters: {
      packets_not_ip: 'not_ip',
      packets_malformed: 'malformed',
      packets_absurd_time: 'absurd_time',
      packets_absurd_length: 'absurd_length',
      packets_without_time: 'without_time',
      packets_link_type_not_supported: 'link_type',
      packets_copied: 'copy',
    },
  },
  {
    name: 'sonde_probe_unknown_fragments_total',
    help: 'IP fragments whose first fragment was not seen',
    counters: { fragments_unmatched: '' },
  },
  {
    name: 'sonde_probe_overflow_packets_total',
    help: 'Packets counted outside of the flow map because it was full',
    counters: { packets_via_ring_buffer: '' },
  },
  {
    name: 'sonde_probe_lost_packets_total',
    help: 'Packets missing from flow records, by reason (map_full, overflow_table_full)',
    label: 'reason',
    counters: { lost_packets_map_full: 'map_full', lost_packets_overflow_table_full: 'overflow_table_full' },
  },
  {
    name: 'sonde_probe_lost_bytes_total',
    help: 'Bytes missing from flow records, by reason (map_full, overflow_table_full)',
    label: 'reason',
    counters: { lost_bytes_map_full: 'map_full', lost_bytes_overflow_table_full: 'overflow_table_full' },
  },
  {
    name: 'sonde_probe_lost_payloads_total',
    help: 'Payloads (DNS messages, TLS handshakes) that were not read because the ring buffer was full',
    counters: { lost_payloads_ring_full: '' },
  },
  {
    name: 'sonde_probe_lost_health_events_total',
    help: 'Drops and retransmits that were not counted because their map was full',
    counters: { lost_health_events_map_full: '' },
  },
  {
    name: 'sonde_probe_lost_dns_transactions_total',
    help: 'DNS transactions dropped because too many were open',
    counters: { lost_dns_transactions_table_full: '' },
  },
  {
    name: 'sonde_probe_lost_frames_total',
    help: 'Frames of the probe that the collector could not read, by reason',
    label: 'reason',
    counters: {
      lost_frames_oversized: 'oversized',
      lost_frames_wrong_version: 'wrong_version',
      lost_frames_truncated: 'truncated',
      lost_frames_missing: 'missing',
      lost_frames_malformed: 'malformed',
    },
  },
  {
    name: 'sonde_collector_discarded_records_total',
    help: 'Records that were not published because their time is not from 2000 to 2100, by record type (flow, dns)',
    label: 'type',
    counters: { lost_flows_invalid_time: 'flow', lost_lookups_invalid_time: 'dns' },
  },
  {
    name: 'sonde_probe_stream_skipped_bytes_total',
    help: 'Bytes of the probe stream skipped to find the next frame',
    counters: { stream_bytes_skipped: '' },
  },
  {
    name: 'sonde_probe_unknown_frames_total',
    help: 'Frames of an unknown type, from a newer probe',
    counters: { stream_frames_unknown_type: '' },
  },
  {
    name: 'sonde_probe_windows_total',
    help: 'Windows that the probe emitted',
    counters: { windows: '' },
  },
  {
    name: 'sonde_probe_early_windows_total',
    help: 'Windows that ended early because the flow map was filling up',
    counters: { windows_ended_early: '' },
  },
  {
    name: 'sonde_probe_cpu_seconds_total',
    help: 'CPU time spent on evictions, by phase (drain, records, send)',
    label: 'phase',
    counters: { drain_cpu_micros: 'drain', records_cpu_micros: 'records', send_cpu_micros: 'send' },
    factor: 1e-6,
  },
  {
    name: 'sonde_probe_evicted_connections_total',
    help: 'Connections evicted from the connection table',
    counters: { connections_evicted: '' },
  },
  {
    name: 'sonde_probe_dns_transactions_total',
    help: 'DNS transactions observed',
    counters: { dns_transactions: '' },
  },
  {
    name: 'sonde_probe_dns_unanswered_total',
    help: 'DNS transactions without a response in time',
    counters: { dns_transactions_unanswered: '' },
  },
  {
    name: 'sonde_probe_dns_malformed_total',
    help: 'DNS messages that could not be parsed',
    counters: { dns_messages_malformed: '' },
  },
];

const probeGauges: readonly ProbeMetric[] = [
  {
    name: 'sonde_probe_map_entries',
    help: 'Entries in the flow map at the last eviction',
    counters: { flow_map_entries: '' },
  },
  {
    name: 'sonde_probe_map_capacity_entries',
    help: 'Capacity of the flow map',
    counters: { flow_map_capacity: '' },
  },
  {
    name: 'sonde_probe_connections',
    help: 'Connections in the connection table',
    counters: { connections_tracked: '' },
  },
  {
    name: 'sonde_probe_interfaces',
    help: 'Network interfaces that the probe is attached to',
    counters: { interfaces_watched: '' },
  },
  {
    name: 'sonde_probe_sampling',
    help: 'One of this many packets is counted; 1 means all',
    counters: { sampling: '' },
  },
];

/** Names of the source counters that are exported as metrics. */
export const exportedProbeCounters: ReadonlySet<string> = new Set(
  [...probeCounters, ...probeGauges].flatMap(({ counters }) => Object.keys(counters)),
);

/** Registers the metrics of collectors and of their probes; returns the observer that updates them. */
export function registerCollectorMetrics(registry: Registry): CollectorObserver {
  const flows = new Counter({
    name: 'sonde_collector_flows_total',
    help: 'Flow records published, by node',
    labelNames: ['node'],
    registers: [registry],
  });
  const latest = new Map<string, ReadonlyMap<string, number>>();
  for (const metric of probeCounters) collectedCounter(registry, collectedFrom(metric, latest));
  for (const metric of probeGauges) collectedGauge(registry, collectedFrom(metric, latest));
  return {
    onWindow(node, count, counters) {
      flows.inc({ node }, count);
      latest.set(node, counters);
    },
  };
}

/** A metric over the latest counters of each node. */
function collectedFrom(
  { name, help, label, counters, factor = 1 }: ProbeMetric,
  latest: ReadonlyMap<string, ReadonlyMap<string, number>>,
) {
  return {
    name,
    help,
    labelNames: ['node', ...(label === undefined ? [] : [label])],
    *collect(): Generator<[Record<string, string>, number]> {
      for (const [node, values] of latest) {
        for (const [counter, labelValue] of Object.entries(counters)) {
          const value = values.get(counter);
          if (value !== undefined)
            yield [{ node, ...(label !== undefined && { [label]: labelValue }) }, value * factor];
        }
      }
    },
  };
}
