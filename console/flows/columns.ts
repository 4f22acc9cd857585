import { equals } from '../filter/conditions.js';
import { endpointCondition, endpointName, type Flow, portName } from '../records/flow.js';
import { formatBytes, formatMicros } from '../records/quantity.js';
import { decidingStep, policyName, readTrace } from '../policies/trace.js';
import { formatTime } from '../time/time-range.js';

/** A column of the table of flows. */
export interface FlowColumn {
  readonly id: string;
  readonly title: string;
  /** Share of the width. */
  readonly weight: number;
  readonly isNumber?: boolean;
  /** Fields of the record that it needs. */
  readonly fields: readonly string[];
  readonly text: (flow: Flow, zone: string) => string;
  /** The condition that finds flows with the same value; none where that makes no sense. */
  readonly condition?: (flow: Flow) => string;
}

const endpointFields = (side: 'src' | 'dst') =>
  ['kind', 'namespace', 'workload', 'name', 'domain', 'ip'].map((field) => `${side}_${field}`);

/** The columns with a form of their own, in the order of the table. */
export const namedColumns: readonly FlowColumn[] = [
  {
    id: 'time',
    title: 'Time',
    weight: 12,
    fields: ['start_time'],
    text: ({ start_time }, zone) => formatTime(Date.parse(start_time), zone, false),
  },
  {
    id: 'client',
    title: 'Client',
    weight: 18,
    fields: endpointFields('src'),
    text: (flow) => endpointName(flow, 'src'),
    condition: (flow) => endpointCondition(flow, 'src'),
  },
  {
    id: 'server',
    title: 'Server',
    weight: 18,
    fields: endpointFields('dst'),
    text: (flow) => endpointName(flow, 'dst'),
    condition: (flow) => endpointCondition(flow, 'dst'),
  },
  {
    id: 'port',
    title: 'Port',
    weight: 8,
    fields: ['protocol', 'dst_port'],
    text: ({ protocol, dst_port }) => portName(protocol, dst_port),
    condition: ({ protocol, dst_port }) => `protocol == ${protocol} && dst.port == ${dst_port}`,
  },
  {
    id: 'verdict',
    title: 'Verdict',
    weight: 8,
    fields: ['action'],
    text: ({ action }) => action,
    condition: ({ action }) => equals('action', action),
  },
  {
    id: 'policy',
    title: 'Decided by',
    weight: 18,
    fields: ['policies', 'src_kind', 'dst_kind'],
    text: (flow) => {
      const step = decidingStep(readTrace(flow.policies, flow));
      return step ? policyName(step.policy) : '';
    },
    condition: (flow) => {
      const step = decidingStep(readTrace(flow.policies, flow));
      return `policy(${JSON.stringify(step ? policyName(step.policy) : '')})`;
    },
  },
  {
    id: 'evidence',
    title: 'On the wire',
    weight: 9,
    fields: ['evidence'],
    text: ({ evidence }) => evidence,
    condition: ({ evidence }) => equals('evidence', evidence),
  },
  {
    id: 'bytes',
    title: 'Bytes',
    weight: 8,
    isNumber: true,
    fields: ['bytes_out', 'bytes_in'],
    text: ({ bytes_out, bytes_in }) => formatBytes(bytes_out + bytes_in),
  },
  {
    id: 'rtt',
    title: 'RTT',
    weight: 7,
    isNumber: true,
    fields: ['rtt_us'],
    text: ({ rtt_us }) => formatMicros(Number(rtt_us)),
  },
];

export const DEFAULT_COLUMNS = namedColumns.map(({ id }) => id);

/** A column by its id: a named one, or any field of the record. */
export function columnOf(id: string): FlowColumn {
  return namedColumns.find((column) => column.id === id) ?? fieldColumn(id);
}

function fieldColumn(name: string): FlowColumn {
  return {
    id: name,
    title: name,
    weight: 12,
    fields: [name],
    text: (flow) => String(flow[name] ?? ''),
    condition: (flow) => equals(name, flow[name] ?? ''),
  };
}
