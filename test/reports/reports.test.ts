import { existsSync } from 'node:fs';
import path from 'node:path';
import { readManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { evaluateNamed } from '@sonde/model/policy/manifests/connection';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CapturedRecords, capturedRecords } from '../captures/captured-records.js';
import { casesFolder } from '../policy/cases.js';
import { suggestedPorts } from './suggested-ports.js';
import { type ReportCase, readReport, recordFailures, reportNames } from './report-case.js';

const shared = path.join(casesFolder() ?? '', 'reports');
const folders = [path.join(import.meta.dirname, 'cases'), ...(existsSync(shared) ? [shared] : [])];
if (folders.length === 1)
  console.log('No further reports: there is no ../shared/cases/reports beside the repository.');

const cases = folders.flatMap((folder) => reportNames(folder).map((name) => path.join(folder, name)));

describe.each(cases)('%s', (folder) => {
  let report: ReportCase;
  let captured: CapturedRecords;

  beforeAll(async () => {
    report = await readReport(folder);
    captured = await capturedRecords(folder, report.captures, report.objects);
  });

  it('has the expected records', () => {
    expect(recordFailures(report.expected.records ?? [], captured.flows)).toEqual([]);
  });

  it('has the expected sums, each connection counted once', () => {
    const primary = captured.flows.filter((flow) => flow.primary);
    const sum = (field: string) =>
      primary.reduce((total, flow) => total + Number(flow[field as keyof typeof flow]), 0);
    const { sums = {} } = report.expected;
    expect(Object.fromEntries(Object.keys(sums).map((field) => [field, sum(field)]))).toEqual(sums);
  });

  it('suggests policies for the expected ports', async () => {
    const { suggest, range } = report.expected;
    if (!suggest) return;
    const ports = await suggestedPorts(report.objects, captured.blocks, {
      namespace: suggest.namespace,
      ...range,
    });
    expect(ports).toEqual(expect.arrayContaining([...suggest.must_name_ports]));
    expect(ports.filter((port) => suggest.must_not_name_ports.includes(port))).toEqual([]);
  });

  it('evaluates connections by manifests as expected', () => {
    const { cluster, problems } = readManifestCluster(report.objects);
    expect(problems).toEqual([]);
    const { evaluate = [] } = report.expected;
    const actual = evaluate.map(({ from, to, port }) => {
      const { verdict } = evaluateNamed(cluster, { from, to, port, protocol: 'TCP' });
      return { from, to, port, verdict };
    });
    expect(actual).toEqual(evaluate);
  });
});
