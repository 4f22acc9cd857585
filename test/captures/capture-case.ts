import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { CapturedRecords } from './captured-records.js';

/** Captures and what must come out of them; see `cases/README.md`. */
export interface CaptureCase {
  readonly captures: readonly string[];
  readonly because: string;
  readonly flows?: readonly ExpectedRecord[];
  readonly dns?: readonly ExpectedRecord[];
  /** Patterns of standard error. */
  readonly says?: readonly string[];
}

type ExpectedRecord = Readonly<Record<string, unknown>>;
type Row = Readonly<Record<string, unknown>>;

/** The cases of a folder, by name. */
export function readCaptureCases(folder: string): Map<string, CaptureCase> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Map(
    files
      .sort()
      .map((file) => [
        path.parse(file).name,
        JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as CaptureCase,
      ]),
  );
}

/** Fields that name a connection or lookup; those of a case must be equal. */
const KEYS = ['src_ip', 'src_port', 'dst_ip', 'dst_port', 'protocol', 'icmp_type', 'icmp_code', 'query_name'];
const SUMS = /^(packets|bytes|connections|retransmits|dropped)/;
const MAXIMA = new Set(['connect_us', 'rtt_us', 'vlan', 'tunnel_id']);

/** What is wrong with the records of a case, one line each. */
export function failuresOf(expected: CaptureCase, { flows, dns, said }: CapturedRecords): string[] {
  const primary = flows.filter((flow) => flow.primary);
  const failures = [
    ...compare('flow', expected.flows, primary),
    ...compare(
      'lookup',
      expected.dns,
      dns.filter((lookup) => lookup.primary),
    ),
  ];
  for (const pattern of expected.says ?? []) {
    if (!new RegExp(pattern, 'i').test(said.join('\n'))) failures.push(`nothing is said like ${pattern}`);
  }
  for (const { start_time, end_time } of flows) {
    if (start_time > end_time) failures.push(`a flow starts at ${start_time} and ends at ${end_time}`);
  }
  return failures;
}

function compare(
  kind: string,
  expected: readonly ExpectedRecord[] | undefined,
  rows: readonly Row[],
): string[] {
  if (!expected) return [];
  const left = new Set(rows);
  const failures = expected.flatMap((record) => {
    const same = rows.filter((row) => KEYS.every((key) => !(key in record) || row[key] === record[key]));
    for (const row of same) left.delete(row);
    const name = JSON.stringify(record);
    if (same.length === 0) return [`no ${kind} ${name}`];
    return Object.entries(record)
      .filter(([field, value]) => merged(field, same) !== (Array.isArray(value) ? value.join(',') : value))
      .map(([field]) => `${field} of ${name} is ${JSON.stringify(merged(field, same))}`);
  });
  return [...failures, ...[...left].map((row) => `unexpected ${kind} ${JSON.stringify(row)}`)];
}

/** The value of a field in the records of all windows together. */
function merged(field: string, rows: readonly Row[]): unknown {
  const values = rows.map((row) => row[field]);
  if (SUMS.test(field)) return values.reduce((sum: number, value) => sum + Number(value), 0);
  if (MAXIMA.has(field)) return Math.max(...values.map(Number));
  if (field === 'tcp_flags') return values.reduce((flags: number, value) => flags | Number(value), 0);
  if (field === 'start_time') return values[0];
  return values.findLast((value) => value !== '' && value !== undefined) ?? values[0];
}
