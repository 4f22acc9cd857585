const NONE = '';
const LOST_IN_PROBE =
  'If it grows, packets are missing from flows: shorten `window` or collect from fewer interfaces.';
const PROBE_MISMATCH = 'If it grows, install the probe and the collector of the same version.';
const KAFKA = 'If it grows, check the brokers and the network; the log has the reason.';

/** What to do when a metric is wrong, by the metric's name; empty if it is for information. */
export const metricActions: Readonly<Record<string, string>> = {
  sonde_api_refused_requests_total:
    'If it grows, a client sends too many requests: the access log names it (status 429).',
  sonde_api_request_duration_seconds:
    'If it grows, check the load of ClickHouse and the access log for expensive queries.',
  sonde_build_info: 'Versions differ after an incomplete upgrade.',
  sonde_collector_flows_total:
    'If it stops growing while there is traffic, check `interfaces` and the collector log.',
  sonde_probe_flows_total: NONE,
  sonde_probe_packets_total: NONE,
  sonde_probe_bytes_total: NONE,
  sonde_probe_ignored_packets_total: NONE,
  sonde_probe_unknown_fragments_total: NONE,
  sonde_probe_overflow_packets_total:
    'If it grows steadily, the flow map is too small for the traffic: shorten `window`.',
  sonde_probe_lost_packets_total: LOST_IN_PROBE,
  sonde_probe_lost_bytes_total: LOST_IN_PROBE,
  sonde_probe_lost_payloads_total:
    'If it grows, some DNS lookups and TLS server names are missing: shorten `window`.',
  sonde_probe_lost_health_events_total:
    'If it grows, some drops and retransmits are not counted: shorten `window`.',
  sonde_probe_lost_dns_transactions_total:
    'If it grows, some DNS lookups are missing; look for clients with a high query rate.',
  sonde_probe_lost_frames_total: PROBE_MISMATCH,
  sonde_collector_discarded_records_total: 'The clock of the node is wrong: synchronize it (NTP).',
  sonde_probe_stream_skipped_bytes_total: PROBE_MISMATCH,
  sonde_probe_unknown_frames_total: PROBE_MISMATCH,
  sonde_probe_windows_total: 'If it stops growing, the probe is stuck: restart the collector.',
  sonde_probe_early_windows_total: 'If it grows steadily, shorten `window`.',
  sonde_probe_cpu_seconds_total: 'If it grows faster than you accept, lengthen `window`.',
  sonde_probe_evicted_connections_total: NONE,
  sonde_probe_dns_transactions_total: NONE,
  sonde_probe_dns_unanswered_total: 'If it grows, check the DNS servers.',
  sonde_probe_dns_malformed_total: NONE,
  sonde_probe_map_entries: 'If it approaches the capacity, shorten `window`.',
  sonde_probe_map_capacity_entries: NONE,
  sonde_probe_connections: NONE,
  sonde_probe_interfaces: 'If it is 0 or too low, check `interfaces`.',
  sonde_probe_sampling: NONE,
  sonde_spool_messages: 'If it keeps growing, Kafka is unavailable or too slow.',
  sonde_spool_bytes: 'If it approaches `spool.maxSize`, restore Kafka or raise `spool.maxSize`.',
  sonde_spool_lost_messages_total:
    'Records are lost: restore Kafka, raise `spool.maxSize` or check the disk.',
  sonde_spool_lost_records_total: 'Records are lost: restore Kafka, raise `spool.maxSize` or check the disk.',
  sonde_publisher_sent_messages_total: 'If it stops growing, check `/readyz` of the collector.',
  sonde_publisher_sent_bytes_total: NONE,
  sonde_publisher_failures_total: KAFKA,
  sonde_consumer_lag_messages:
    'If it keeps growing, add enrichers (up to the number of partitions) or check ClickHouse.',
  sonde_consumer_pending_bytes: 'If it stays high, the store is slow.',
  sonde_consumer_messages_total: NONE,
  sonde_consumer_bytes_total: NONE,
  sonde_consumer_skipped_messages_total:
    'If `malformed` grows, read the dead-letter topic; if `expired` grows, records are lost: raise `kafka.retention` or add enrichers.',
  sonde_consumer_assignments_total:
    'If it grows steadily, enrichers restart or exceed `kafka.sessionTimeout`.',
  sonde_consumer_failures_total: KAFKA,
  sonde_transport_queued_batches: 'If it stays at its maximum, the store is too slow for the traffic.',
  sonde_enricher_stored_records_total: 'If it stops growing, check `/readyz` of the enricher.',
  sonde_enricher_stored_blocks_total: NONE,
  sonde_enricher_store_retries_total: 'If it grows, check the load and the errors of ClickHouse.',
  sonde_enricher_pending_addresses: NONE,
  sonde_enricher_awaited_addresses_total:
    'If `timed_out` grows, watches are delayed: check `sonde_watch_failures_total` or raise `kubernetes.identityTimeout`.',
  sonde_enricher_identities: 'If it is 0, the cluster is not read: check `kubernetes.*` and RBAC.',
  sonde_enricher_expired_identities_total: NONE,
  sonde_enricher_domain_names: NONE,
  sonde_enricher_evicted_domain_names_total: 'If it grows, some connections have no domain name.',
  sonde_watch_objects_total: NONE,
  sonde_watch_lists_total: 'If it grows steadily, watches break: check the API server.',
  sonde_watch_failures_total:
    'If it grows, check the API server and the permissions; the log has the reason.',
  sonde_watch_kind_state:
    'If a kind is `forbidden` or `unavailable`, see `/readyz` for the reason; apply `deploy/rbac.yaml`.',
  sonde_watch_kind_state_since_timestamp_seconds: NONE,
  sonde_enricher_unevaluated_policy_kinds:
    'If it is above 0, verdicts are unknown. For `unread`, see `/readyz` for the reason; `unsupported` kinds are not evaluated.',
  sonde_policy_history_failures_total:
    'If it grows, policy changes are not stored; see the log of the enricher for the reason.',
  sonde_policy_versions_total: 'If `skipped` grows, policies change faster than the store accepts versions.',
};
