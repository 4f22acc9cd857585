import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { casesFolder } from '../policy/cases.js';
import { failuresOf, readCaptureCases } from './capture-case.js';
import { capturedRecords } from './captured-records.js';

const fixtures = path.join(import.meta.dirname, 'cases');
const shared = casesFolder();
const folders = [fixtures, ...(shared === undefined ? [] : [path.join(shared, 'captures')])];

describe.each(folders)('the captures of %s', (folder) => {
  it.each([...readCaptureCases(folder)])(
    '%s: flows, lookups and messages are as stated',
    async (_, expected) => {
      expect(failuresOf(expected, await capturedRecords(folder, expected.captures))).toEqual([]);
    },
  );
});

/** The sums over everything, each connection once. */
interface ExpectedSums {
  readonly sums: Readonly<Record<string, number>>;
}

describe('a capture of any interface', () => {
  const folder = path.join(import.meta.dirname, 'any-interface');

  it('counts each packet once', async () => {
    const { sums } = JSON.parse(readFileSync(path.join(folder, 'expect.json'), 'utf8')) as ExpectedSums;
    const { flows } = await capturedRecords(folder, ['node-a.pcap']);
    const primary = flows.filter((flow) => flow.primary);
    const actual = Object.keys(sums).map((field) => [
      field,
      primary.reduce((sum, flow) => sum + Number(flow[field as keyof typeof flow]), 0),
    ]);
    expect(Object.fromEntries(actual)).toEqual(sums);
  });
});

if (!existsSync(path.join(shared ?? '', 'captures')))
  console.log('No further capture cases: there is no ../shared/cases/captures beside the repository.');
