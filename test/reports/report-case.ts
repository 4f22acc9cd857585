import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readManifests } from '@sonde/backbone/manifests/read';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import type { FlowRow } from '@sonde/model/flow/records';

/** What must come out of a case; see `README.md`. */
export interface ReportExpectation {
  /** The time range of the capture, in RFC 3339. */
  readonly range: { readonly from: string; readonly to: string };
  readonly records?: readonly ExpectedRecord[];
  readonly sums?: Readonly<Record<string, number>>;
  readonly suggest?: {
    readonly namespace: string;
    readonly must_name_ports: readonly number[];
    readonly must_not_name_ports: readonly number[];
  };
  readonly evaluate?: readonly ExpectedVerdict[];
}

/** Records with the fields of `match` have those of `must` and not those of `must_not`: one, or `every` one. */
export interface ExpectedRecord {
  readonly match: Readonly<Record<string, unknown>>;
  readonly every?: boolean;
  readonly must?: Readonly<Record<string, unknown>>;
  readonly must_not?: Readonly<Record<string, unknown>>;
}

export interface ExpectedVerdict {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly verdict: string;
}

export interface ReportCase {
  readonly folder: string;
  /** Capture files, each named after its node. */
  readonly captures: readonly string[];
  readonly objects: readonly KubernetesObject[];
  readonly expected: ReportExpectation;
}

/** The names of the cases in a folder. */
export function reportNames(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

/** Reads a case. @throws Error if its manifests are invalid. */
export async function readReport(folder: string): Promise<ReportCase> {
  const { objects, problems } = await readManifests([path.join(folder, 'k8s')]);
  if (problems.length > 0) throw new Error(`${folder}: ${JSON.stringify(problems)}`);
  return {
    folder,
    captures: readdirSync(folder).filter((file) => file.endsWith('.pcap')),
    objects: objects.map(({ object }) => object),
    expected: JSON.parse(readFileSync(path.join(folder, 'expect.json'), 'utf8')) as ReportExpectation,
  };
}

/** The expectations that no record, or not every record, satisfies, with the records that they are about. */
export function recordFailures(records: readonly ExpectedRecord[], flows: readonly FlowRow[]): unknown[] {
  return records.flatMap((record) => {
    const about = flows.filter((flow) => has(flow, record.match));
    const isSatisfied = (flow: FlowRow) =>
      has(flow, record.must ?? {}) &&
      !Object.entries(record.must_not ?? {}).some(([k, v]) => has(flow, { [k]: v }));
    const enough = record.every === true ? about.every(isSatisfied) : about.some(isSatisfied);
    if (enough && about.length > 0) return [];
    const names = Object.keys({ ...record.match, ...record.must, ...record.must_not, policies: '' });
    return [{ expected: record, actual: about.map((flow) => pick(flow, names)) }];
  });
}

function has(flow: FlowRow, fields: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, value]) => flow[name as keyof FlowRow] === value);
}

function pick(flow: FlowRow, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, flow[name as keyof FlowRow]]));
}
