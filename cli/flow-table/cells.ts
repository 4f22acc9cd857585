import { endpointName } from '@sonde/model/flow/endpoint-name';
import type { FlowRow } from '@sonde/model/flow/records';
import { isIcmp } from '@sonde/model/net/protocol';
import { portOrTypeText } from './ports.js';
import { printable } from '../table/printable.js';

/** What a table of flows shows of each, as text. */
export interface FlowCells {
  readonly time: string;
  readonly source: string;
  readonly destination: string;
  readonly port: string;
  readonly verdict: string;
  readonly bytes: string;
  readonly packets: string;
  readonly rtt: string;
}

export const FLOW_TABLE_COLUMNS: readonly {
  readonly name: keyof FlowCells;
  readonly title: string;
  readonly isNumber: boolean;
}[] = [
  { name: 'time', title: 'TIME', isNumber: false },
  { name: 'source', title: 'SOURCE', isNumber: false },
  { name: 'destination', title: 'DESTINATION', isNumber: false },
  { name: 'port', title: 'PORT', isNumber: false },
  { name: 'verdict', title: 'VERDICT', isNumber: false },
  { name: 'bytes', title: 'BYTES', isNumber: true },
  { name: 'packets', title: 'PACKETS', isNumber: true },
  { name: 'rtt', title: 'RTT', isNumber: true },
];

/** The text of a flow's cells. */
export function flowCells(flow: FlowRow): FlowCells {
  return {
    time: flow.end_time.slice(11, 23),
    source: printable(endText(flow, 'src')),
    destination: printable(destinationText(flow)),
    port: servedText(flow),
    verdict: printable(verdictText(flow)),
    bytes: bytesText(flow.bytes_out + flow.bytes_in),
    packets: String(flow.packets_out + flow.packets_in),
    rtt: microsText(flow.rtt_us),
  };
}

/** What the policies say and what the wire showed; the wire alone where policies say nothing. */
export function verdictText({
  action,
  evidence,
  drop_reason,
}: Pick<FlowRow, 'action' | 'evidence' | 'drop_reason'>): string {
  const wire = evidence === 'dropped' && drop_reason !== '' ? `dropped (${drop_reason})` : evidence;
  return action === 'unknown' ? wire : `${action}, ${wire}`;
}

/** Bytes in decimal units, three figures: `812 B`, `4.61 kB`, `23.0 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toPrecision(3)} ${units[unit] ?? ''}`;
}

/** Microseconds as `µs` or `ms`; a dash where nothing was measured. */
export function microsText(micros: number): string {
  if (micros === 0) return '-';
  return micros < 1000 ? `${micros} µs` : `${(micros / 1000).toPrecision(3)} ms`;
}

function destinationText(flow: FlowRow): string {
  const end = endText(flow, 'dst');
  if (flow.dst_service === '' || flow.dst_kind === 'service') return end;
  const namespace = flow.dst_service_namespace === flow.dst_namespace ? '' : `${flow.dst_service_namespace}/`;
  const service = `${namespace}${flow.dst_service}`;
  // Most services are named after the workload behind them; saying it twice helps nobody.
  return service === flow.dst_workload ? end : `${end} (${service})`;
}

function endText(flow: FlowRow, side: 'src' | 'dst'): string {
  return endpointName({
    kind: flow[`${side}_kind`],
    namespace: flow[`${side}_namespace`],
    workload: flow[`${side}_workload`],
    name: flow[`${side}_name`],
    address: flow[`${side}_ip`],
    domain: flow[`${side}_domain`],
  });
}

function servedText({ protocol, dst_port, dst_service_port, icmp_type, icmp_code }: FlowRow): string {
  const typeAndCode = icmp_type * 256 + icmp_code;
  return portOrTypeText(protocol, isIcmp(protocol) ? typeAndCode : dst_service_port || dst_port);
}
