/** A flow record as `GET /api/v1/flows` gives it: the fields that pages read by name, and all others. */
export interface Flow {
  readonly start_time: string;
  readonly end_time: string;
  readonly cluster: string;
  readonly node: string;
  readonly src_kind: string;
  readonly dst_kind: string;
  readonly src_ip: string;
  readonly dst_ip: string;
  readonly src_port: number;
  readonly dst_port: number;
  readonly protocol: number;
  readonly bytes_out: number;
  readonly bytes_in: number;
  readonly action: Verdict;
  readonly policies: string;
  readonly pending_policies: string;
  readonly evidence: string;
  readonly contradiction: boolean;
  readonly [field: string]: string | number | boolean;
}

export type Verdict = 'allow' | 'deny' | 'unknown';

/** A field as `GET /api/v1/fields` describes it. */
export interface FieldDescription {
  readonly name: string;
  /** How filters write it, for example `src.namespace`. */
  readonly variable: string;
  readonly type: string;
  readonly description: string;
  readonly unit?: string;
}

export type Side = 'src' | 'dst';

/** Who is at a side of a flow, in the shortest form that is unique: `namespace/workload`, a domain, or an address. */
export function endpointName(flow: Flow, side: Side): string {
  const of = (field: string) => String(flow[`${side}_${field}`] ?? '');
  const name = of('workload') || of('name');
  if (name !== '') return of('namespace') === '' ? name : `${of('namespace')}/${name}`;
  return of('domain') || of('ip');
}

/** The condition that finds flows of the same endpoint at the same side. */
export function endpointCondition(flow: Flow, side: Side): string {
  const of = (field: string) => String(flow[`${side}_${field}`] ?? '');
  const is = (field: string) => `${side}.${field} == ${JSON.stringify(of(field))}`;
  if (of('workload') !== '') return `${is('namespace')} && ${is('workload')}`;
  if (of('name') !== '') return of('namespace') === '' ? is('name') : `${is('namespace')} && ${is('name')}`;
  return of('domain') === '' ? is('ip') : is('domain');
}

const protocolNames: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPv6',
  132: 'SCTP',
};

/** Name of an IP protocol (IANA assigned internet protocol numbers). */
export function protocolName(protocol: number): string {
  return protocolNames[protocol] ?? `protocol ${protocol}`;
}

/** A protocol with its port, if it has ports: `TCP 8080`, `ICMP`. */
export function portName(protocol: number, port: number | undefined): string {
  const hasPorts = protocol === 6 || protocol === 17 || protocol === 132;
  return hasPorts && port !== undefined ? `${protocolName(protocol)} ${port}` : protocolName(protocol);
}
