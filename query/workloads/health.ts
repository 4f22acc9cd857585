/** Health of connections. */
export interface Health {
  /** Primary flow records. */
  readonly flows: number;
  /** Started connections. */
  readonly connections: number;
  readonly bytes: number;
  /** Flows with the verdict deny. */
  readonly denied: number;
  /** Flows by what the traffic shows: packets dropped by the kernel, refused, unanswered. */
  readonly dropped: number;
  readonly refused: number;
  readonly unanswered: number;
  readonly retransmits: number;
  /** Round-trip times; absent if none was measured. */
  readonly rttMicros?: { readonly p50: number; readonly p95: number };
  readonly last: string;
}

/** A row of {@link healthSql}. */
export type HealthRow = Readonly<
  Record<
    | 'flows'
    | 'connections'
    | 'bytes'
    | 'denied'
    | 'dropped'
    | 'refused'
    | 'unanswered'
    | 'retransmitted'
    | 'measured'
    | 'last_ms',
    string
  >
> & { readonly rtts: readonly (number | null)[] };

/** The aggregates over flow records that {@link healthOf} reads. */
export const healthSql = `count() AS flows, sum(connections_started) AS connections,
  sum(bytes_out) + sum(bytes_in) AS bytes, countIf(action = 'deny') AS denied,
  countIf(evidence = 'dropped') AS dropped, countIf(evidence = 'refused') AS refused,
  countIf(evidence = 'unanswered') AS unanswered, sum(retransmits) AS retransmitted, countIf(rtt_us > 0) AS measured,
  quantilesIf(0.5, 0.95)(rtt_us, rtt_us > 0) AS rtts, toUnixTimestamp64Milli(max(end_time)) AS last_ms`;

export function healthOf(row: HealthRow): Health {
  const [p50, p95] = row.rtts;
  return {
    flows: Number(row.flows),
    connections: Number(row.connections),
    bytes: Number(row.bytes),
    denied: Number(row.denied),
    dropped: Number(row.dropped),
    refused: Number(row.refused),
    unanswered: Number(row.unanswered),
    retransmits: Number(row.retransmitted),
    ...(row.measured === '0' ? {} : { rttMicros: { p50: Math.round(p50 ?? 0), p95: Math.round(p95 ?? 0) } }),
    last: new Date(Number(row.last_ms)).toISOString(),
  };
}

const count = (description: string) => ({ type: 'integer', minimum: 0, description }) as const;

/** The schema of {@link Health}'s properties. */
export const healthProperties = {
  flows: count('Primary flow records: each connection and window once'),
  connections: count('Started connections'),
  bytes: count('Bytes of both directions'),
  denied: count('Flows with the verdict deny'),
  dropped: count('Flows with packets that the kernel dropped'),
  refused: count('Flows that the server refused'),
  unanswered: count('Flows without an answer of the server'),
  retransmits: count('Retransmitted TCP segments'),
  rttMicros: {
    type: 'object',
    description: 'Round-trip times in microseconds; absent if none was measured',
    required: ['p50', 'p95'],
    properties: { p50: { type: 'integer' }, p95: { type: 'integer' } },
  },
  last: { type: 'string', format: 'date-time', description: 'End of the latest flow' },
} as const;

export const healthRequired = [
  ...(['flows', 'connections', 'bytes', 'denied', 'dropped', 'refused'] as const),
  ...(['unanswered', 'retransmits', 'last'] as const),
];
