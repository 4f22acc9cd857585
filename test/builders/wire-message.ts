import { observedDns } from './dns.js';
import { observedDnsFields } from '@sonde/model/dns/records';
import type { FlowBatch } from '@sonde/model/batch/batch';
import { batchOf } from './batch.js';
import { observedFlows } from './observed-flows.js';
import { observedFlowFields } from '@sonde/model/flow/observed';
import { recordRow } from '@sonde/model/record/rows';

/** The earliest start time in {@link batchOfManyKinds}, in ms since 1970. */
export const start = Date.parse('2026-03-01T10:00:00Z');

/** A batch whose flows and DNS lookups have fields of every type and numbers of every width. */
export function batchOfManyKinds(): FlowBatch {
  const flows = observedFlows([
    {
      start_time: start + 5,
      end_time: start + 4_000,
      reporter: 'src',
      src_ip: '10.0.0.1',
      dst_ip: '2001:db8::7',
      src_port: 40_000,
      dst_port: 443,
      protocol: 6,
      bytes_out: 2 ** 40 + 7,
      bytes_in: 300,
      packets_out: 70_000,
      connections_started: 2 ** 32 - 1,
      tcp_flags: 0x1ff,
      connection_state: 'stateless',
      tls_server_name: 'größe.example',
      src_process: 'java',
      src_cgroup: Number.MAX_SAFE_INTEGER,
    },
    { start_time: start, end_time: start + 3_999, reporter: 'both', src_ip: '10.0.0.1', src_process: 'node' },
    { start_time: start + 4_999, end_time: start + 5_000, dst_ip: '198.51.100.9', src_process: 'java' },
  ]);

  return batchOf(flows, {
    cluster: 'production',
    node: 'node-7',
    sequence: 2 ** 33,
    losses: { packets_map_full: 12, flows_spool_full: 2 ** 34 },
    dns: observedDns([
      {
        start_time: start,
        src_ip: '10.0.0.1',
        query_name: 'api.example',
        query_type: 'AAAA',
        rcode: 'NXDOMAIN',
      },
      { start_time: start + 9, src_ip: '10.0.0.2', answered: true, answers: '192.0.2.1,192.0.2.2' },
    ]),
  });
}

/** The content of a batch as rows, for comparison independent of arrays and dictionaries. */
export function contentOf({ rows, columns, dns, ...rest }: FlowBatch) {
  return {
    ...rest,
    flows: Array.from({ length: rows }, (_, row) => recordRow(observedFlowFields, columns, row)),
    dns: dns && Array.from({ length: dns.rows }, (_, row) => recordRow(observedDnsFields, dns.columns, row)),
  };
}
