import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { beforeEach, describe, expect, it } from 'vitest';
import { captureFiles, nodeNames } from './capture-files.js';
import { captureReport } from './capture-report.js';

let directory: string;
let said: string[];
beforeEach(() => {
  directory = temporaryDirectory('capture-files');
  said = [];
});

async function addFiles(files: readonly string[], dataDirectory = path.join(directory, 'data')) {
  const say = (line: string) => said.push(line);
  return captureFiles(files, { windowMs: 1000, dataDirectory, apiUrl: () => undefined, say });
}

describe('nodes of capture files', () => {
  it('have the names of the files', () => {
    expect([...nodeNames(['/a/node-a.pcap', '/a/node-b.pcapng', '/a/node.c.pcap.gz', '-']).values()]).toEqual(
      ['node-a', 'node-b', 'node.c', 'stdin'],
    );
  });

  it('of one name are told apart by their folders', () => {
    const files = ['/captures/east/node.pcap', '/captures/west/node.pcap', '/captures/west/other.pcap'];
    expect([...nodeNames(files).values()]).toEqual(['east/node', 'west/node', 'other']);
  });
});

describe('a capture file', () => {
  it('that is given twice is read once', async () => {
    const file = path.join(directory, 'a.pcap');
    const sources = await addFiles([file, path.join(directory, 'b/../a.pcap')]);
    expect(sources.map(({ node }) => node)).toEqual(['a']);
    expect(said).toEqual(['A capture file is given several times; it is read once.']);
  });

  it('that was read into the data directory before is announced, also under another name', async () => {
    const [file, copy] = [path.join(directory, 'a.pcap'), path.join(directory, 'copy.pcap')];
    await writeFile(file, 'content');
    await copyFile(file, copy);
    await addFiles([file]);
    expect(said).toEqual([]);
    await addFiles([copy]);
    expect(said).toEqual([
      expect.stringMatching(
        /copy\.pcap was read before \(as .*a\.pcap, 20.*Z\): its flows are in .*data twice\./,
      ),
    ]);
    await addFiles([copy], path.join(directory, 'other-data'));
    expect(said).toHaveLength(1);
  });

  it('can be read where its history cannot be kept', async () => {
    const file = path.join(directory, 'a.pcap');
    await writeFile(file, 'content');
    await mkdir(path.join(directory, 'data'));
    await mkdir(path.join(directory, 'data/captures.json'));
    expect(await addFiles([file])).toHaveLength(1);
    expect(said).toEqual([expect.stringMatching(/cannot note that .*a\.pcap is read/)]);
  });
});

describe('the report of a capture file', () => {
  const summary = {
    file: 'a.pcap',
    packets: 8,
    firstMs: 1_780_000_000_000.123,
    lastMs: 1_780_000_000_250.9,
    leftOut: new Map<string, number>(),
    linkTypes: ['Ethernet'],
    problem: undefined,
  };
  const range = 'from 2026-05-28T20:26:40.000Z to 2026-05-28T20:26:40.251Z';
  const command = 'sonde observe --since 2026-05-28T20:26:40.000Z --until 2026-05-28T20:26:40.251Z';

  it('has the time range and the command that shows it', () => {
    expect(captureReport(summary, 'http://127.0.0.1:4180')).toEqual([
      `a.pcap: 8 packets (Ethernet) ${range}. Show their flows: ${command}`,
    ]);
    expect(captureReport(summary, 'http://127.0.0.1:9')[0]).toMatch(/ --server http:\/\/127\.0\.0\.1:9$/);
  });

  it('says what is wrong with the file, and which packets are in no flow', () => {
    const leftOut = new Map([
      ['packets_not_ip', 2],
      ['packets_copied', 3],
    ]);
    expect(captureReport({ ...summary, leftOut, problem: 'a.pcap: byte 7: cut off' }, undefined)).toEqual([
      'a.pcap: byte 7: cut off. The packets before are counted.',
      `a.pcap: 8 packets (Ethernet) ${range}. Show their flows: ${command}`,
      'a.pcap: packets in no flow: 2 not IP, 3 copies of packets that were counted at another interface.',
    ]);
  });

  it('of an unreadable file is the reason', () => {
    const nothing = { ...summary, packets: 0, firstMs: undefined, lastMs: undefined, linkTypes: [] };
    expect(captureReport({ ...nothing, problem: 'a.pcap: no such file' }, undefined)).toEqual([
      'a.pcap: no such file.',
    ]);
  });
});
