import { endpointName } from '@sonde/model/flow/endpoint-name';
import type { FlowRow } from '@sonde/model/flow/records';
import { isIcmp } from '@sonde/model/net/protocol';
import { NAME, type TableColumn } from '../table/layout.js';
import { printable } from '../table/printable.js';
import { type TimeFormat, timeText } from '../table/time.js';
import { decidingPolicy } from '../table/trace-text.js';
import { portOrTypeText } from './ports.js';

/** The cells of a flow as text. */
export interface FlowCells {
  readonly time: string;
  readonly source: string;
  readonly destination: string;
  readonly port: string;
  readonly verdict: string;
  readonly bytes: string;
  readonly packets: string;
  readonly rtt: string;
  /** The policy that denied the connection. */
  readonly denied: string;
}

/** The columns of a flow table, in their order. */
export const FLOW_TABLE_COLUMNS = [
  { name: 'time', title: 'TIME' },
  { name: 'source', title: 'SOURCE', flexible: NAME },
  { name: 'destination', title: 'DESTINATION', flexible: NAME },
  { name: 'port', title: 'PORT' },
  { name: 'verdict', title: 'VERDICT', flexible: { preferred: 20, min: 10 } },
  { name: 'bytes', title: 'BYTES', isNumber: true, drop: 2 },
  { name: 'packets', title: 'PACKETS', isNumber: true, drop: 4 },
  { name: 'rtt', title: 'RTT', isNumber: true, drop: 3 },
  { name: 'denied', title: 'DENIED BY', flexible: { preferred: 21, min: 8 }, drop: 1 },
] as const satisfies readonly (TableColumn & { readonly name: keyof FlowCells })[];

/** The text of a flow's cells; its time is when it started, which flows are ordered by. */
export function flowCells(flow: FlowRow, times: TimeFormat): FlowCells {
  return {
    time: timeText(flow.start_time, times),
    source: printable(sideText(flow, 'src')),
    destination: printable(destinationText(flow)),
    port: portCell(flow),
    verdict: printable(verdictText(flow)),
    bytes: bytesText(flow.bytes_out + flow.bytes_in),
    packets: String(flow.packets_out + flow.packets_in),
    rtt: microsText(flow.rtt_us),
    denied: flow.action === 'deny' ? printable(decidingPolicy(flow.policies)) : '',
  };
}

/** Verdict of the policies and evidence on the wire; the evidence alone where there is no verdict. */
export function verdictText({
  action,
  evidence,
  drop_reason,
}: Pick<FlowRow, 'action' | 'evidence' | 'drop_reason'>): string {
  const wire = evidence === 'dropped' && drop_reason !== '' ? `dropped (${drop_reason})` : evidence;
  return action === 'unknown' ? wire : `${action}, ${wire}`;
}

/** Bytes in decimal units with three digits: `812 B`, `4.61 kB`, `23.0 MB`. */
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

/** Microseconds as `µs` or `ms`; a dash if nothing was measured. */
export function microsText(micros: number): string {
  if (micros === 0) return '-';
  return micros < 1000 ? `${micros} µs` : `${(micros / 1000).toPrecision(3)} ms`;
}

function destinationText(flow: FlowRow): string {
  const side = sideText(flow, 'dst');
  if (flow.dst_service === '' || flow.dst_kind === 'service') return side;
  const namespace = flow.dst_service_namespace === flow.dst_namespace ? '' : `${flow.dst_service_namespace}/`;
  const service = `${namespace}${flow.dst_service}`;
  // Most services have the name of the workload behind them, which is not repeated.
  return service === flow.dst_workload ? side : `${side} (${service})`;
}

function sideText(flow: FlowRow, side: 'src' | 'dst'): string {
  return endpointName({
    kind: flow[`${side}_kind`],
    namespace: flow[`${side}_namespace`],
    workload: flow[`${side}_workload`],
    name: flow[`${side}_name`],
    address: flow[`${side}_ip`],
    domain: flow[`${side}_domain`],
  });
}

function portCell({ protocol, dst_port, dst_service_port, icmp_type, icmp_code }: FlowRow): string {
  const typeAndCode = icmp_type * 256 + icmp_code;
  return portOrTypeText(protocol, isIcmp(protocol) ? typeAndCode : dst_service_port || dst_port);
}
